from unittest.mock import Mock

import httpx
import pytest
from argon2 import PasswordHasher

from common.persistence.mongo import Database
from common.testing.browser import SESSIONS

PATH = "/api/users/signin"
ADA = {"email": "ada@example.test", "password": "correct horse"}
REFUSED = {"errors": [{"code": "invalid-credentials", "message": "Invalid credentials"}]}


@pytest.fixture(autouse=True)
async def ada(client: httpx.AsyncClient, hasher: Mock) -> dict[str, str]:
    """Signed-up user, as the API returns it. The client is signed out again."""
    user: dict[str, str] = (await client.post("/api/users/signup", json=ADA)).json()
    client.cookies.clear()
    hasher.reset_mock()
    return user


@pytest.mark.parametrize("email", ["ada@example.test", "ADA@Example.Test"])
async def test_a_sign_in_answers_the_user_and_starts_a_session(
    client: httpx.AsyncClient, ada: dict[str, str], email: str
) -> None:
    answer = await client.post(PATH, json=ADA | {"email": email})

    assert answer.status_code == 200
    assert answer.json() == ada
    user = SESSIONS.read(answer.cookies["session"])
    assert user is not None
    assert user.id == ada["id"]


async def test_an_unknown_email_and_a_wrong_password_have_the_same_answer(
    client: httpx.AsyncClient, hasher: Mock
) -> None:
    wrong = await client.post(PATH, json=ADA | {"password": "correct house"})
    work = [name for name, *_ in hasher.method_calls]
    hasher.reset_mock()
    unknown = await client.post(PATH, json=ADA | {"email": "bob@example.test"})

    assert work == [name for name, *_ in hasher.method_calls] == ["verify"]
    assert (wrong.status_code, wrong.json()) == (unknown.status_code, unknown.json()) == (400, REFUSED)
    assert "set-cookie" not in wrong.headers
    assert "set-cookie" not in unknown.headers


@pytest.mark.parametrize("body", [{}, {"password": ""}, {"password": None}, {"password": {"$gt": ""}}])
async def test_a_missing_password_is_asked_for(
    client: httpx.AsyncClient, hasher: Mock, body: dict[str, object]
) -> None:
    answer = await client.post(PATH, json={"email": "ada@example.test"} | body)

    assert answer.status_code == 400
    assert answer.json() == {
        "errors": [
            {"code": "password-required", "message": "You must supply a password", "field": "password"}
        ]
    }
    assert not hasher.method_calls


@pytest.mark.parametrize("body", [{}, {"email": None}, {"email": "ada"}, {"email": {"$gt": ""}}])
async def test_a_bad_email_is_refused(
    client: httpx.AsyncClient, hasher: Mock, body: dict[str, object]
) -> None:
    answer = await client.post(PATH, json={"password": "correct horse"} | body)

    assert answer.status_code == 400
    assert answer.json() == {
        "errors": [{"code": "email-invalid", "message": "Email must be valid", "field": "email"}]
    }
    assert not hasher.method_calls


async def test_a_password_longer_than_any_is_a_wrong_one_without_work(
    client: httpx.AsyncClient, hasher: Mock
) -> None:
    answer = await client.post(PATH, json=ADA | {"password": "x" * 129})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"] == "Invalid credentials"
    assert not hasher.method_calls


async def test_a_hash_of_old_parameters_is_replaced_at_the_next_sign_in(
    client: httpx.AsyncClient, database: Database, hasher: Mock
) -> None:
    old = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash("correct horse")
    await database["users"].update_one({}, {"$set": {"password_hash": old}})

    assert (await client.post(PATH, json=ADA)).status_code == 200
    stored = await database["users"].find_one({})
    assert stored is not None
    assert not hasher.check_needs_rehash(stored["password_hash"])
    assert (await client.post(PATH, json=ADA)).status_code == 200


async def test_a_good_hash_is_left_alone(client: httpx.AsyncClient, hasher: Mock) -> None:
    await client.post(PATH, json=ADA)

    assert hasher.hash.call_count == 0
