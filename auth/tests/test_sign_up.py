from unittest.mock import Mock

import httpx
import pytest

from common.base.ids import is_id
from common.persistence.mongo import Database
from common.testing.browser import SESSIONS

PATH = "/api/users/signup"
ADA = {"email": "Ada@example.test", "password": "correct horse"}
RULE = "Password must be 8 to 128 characters"


async def test_a_sign_up_answers_the_user_and_starts_a_session(client: httpx.AsyncClient) -> None:
    answer = await client.post(PATH, json=ADA)

    assert answer.status_code == 201
    assert set(answer.json()) == {"id", "email"}
    assert is_id(answer.json()["id"])
    assert answer.json()["email"] == "Ada@example.test"
    user = SESSIONS.read(answer.cookies["session"])
    assert user is not None
    assert user.id == answer.json()["id"]


async def test_each_session_has_an_id_of_its_own(client: httpx.AsyncClient) -> None:
    await client.post(PATH, json=ADA)
    answers = [await client.post("/api/users/signin", json=ADA) for _ in range(2)]

    one, other = (SESSIONS.read(answer.cookies["session"]) for answer in answers)
    assert one is not None
    assert other is not None
    assert one.id == other.id
    assert one.session_id != other.session_id
    assert len(one.session_id) >= 16


async def test_the_stored_user_does_not_reveal_the_password(
    client: httpx.AsyncClient, database: Database
) -> None:
    await client.post(PATH, json=ADA)

    (stored,) = await database["users"].find({})
    assert "correct horse" not in str(stored)
    assert stored["password_hash"].startswith("$argon2id$")


@pytest.mark.parametrize("again", ["Ada@example.test", "ada@EXAMPLE.test", " ADA@EXAMPLE.TEST "])
async def test_an_email_signs_up_once_in_any_case(client: httpx.AsyncClient, again: str) -> None:
    await client.post(PATH, json=ADA)
    client.cookies.clear()

    answer = await client.post(PATH, json={"email": again, "password": "another password"})

    assert answer.status_code == 400
    assert answer.json() == {
        "errors": [{"code": "email-in-use", "message": "Email in use", "field": "email"}]
    }
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("email", ["", "ada", "ada@", 7, None, True, [], {"$gt": ""}, "a\0@example.test"])
async def test_a_bad_email_is_refused(client: httpx.AsyncClient, hasher: Mock, email: object) -> None:
    answer = await client.post(PATH, json=ADA | {"email": email})

    assert answer.status_code == 400
    assert answer.json() == {
        "errors": [{"code": "email-invalid", "message": "Email must be valid", "field": "email"}]
    }
    assert not hasher.method_calls


@pytest.mark.parametrize("password", ["", "1234567", "x" * 129, 12345678, None, ["x"] * 8, {"$gt": ""}])
async def test_a_bad_password_is_refused(client: httpx.AsyncClient, hasher: Mock, password: object) -> None:
    answer = await client.post(PATH, json=ADA | {"password": password})

    assert answer.status_code == 400
    assert answer.json() == {"errors": [{"code": "password-invalid", "message": RULE, "field": "password"}]}
    assert not hasher.method_calls


@pytest.mark.parametrize("password", ["8 digits", "x" * 128, "        ", "密码密码密码密码", "nul\0nul\0"])
async def test_a_password_within_the_rule_signs_in_later(client: httpx.AsyncClient, password: str) -> None:
    body = ADA | {"password": password}

    assert (await client.post(PATH, json=body)).status_code == 201
    assert (await client.post("/api/users/signin", json=body)).status_code == 200


async def test_every_bad_field_is_named_once(client: httpx.AsyncClient) -> None:
    answer = await client.post(PATH, json={})

    assert answer.status_code == 400
    assert answer.json() == {
        "errors": [
            {"code": "email-invalid", "message": "Email must be valid", "field": "email"},
            {"code": "password-invalid", "message": RULE, "field": "password"},
        ]
    }
