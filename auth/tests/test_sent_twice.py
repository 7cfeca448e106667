"""A sign-up that is sent twice, with an `Idempotency-Key`, ends signed in both times."""

import asyncio
from typing import Any

import httpx
import pytest

from auth.app import create_app
from auth.settings import Settings
from common.persistence.mongo import Database
from common.testing.answers import code_of
from common.testing.browser import SESSIONS, running
from common.testing.fake_stream import FakeStream

PATH = "/api/users/signup"
ADA = {"email": "Ada@example.test", "password": "correct horse"}


async def sign_up(client: httpx.AsyncClient, key: str = "form", **changes: Any) -> httpx.Response:
    client.cookies.clear()
    return await client.post(PATH, json=ADA | changes, headers={"Idempotency-Key": key})


async def test_the_second_request_has_the_answer_of_the_first_and_a_session(
    client: httpx.AsyncClient, database: Database
) -> None:
    first = await sign_up(client)
    second = await sign_up(client, email=" ada@EXAMPLE.test")

    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    user = SESSIONS.read(second.cookies["session"])
    assert user is not None
    assert user.id == first.json()["id"]
    assert await database["users"].count_documents({}) == 1


@pytest.mark.parametrize("changes", [{"email": "bob@example.test"}, {"password": "another password"}])
async def test_another_body_under_the_same_key_is_refused_and_begins_no_session(
    client: httpx.AsyncClient, changes: dict[str, str]
) -> None:
    await sign_up(client)

    refused = await sign_up(client, **changes)

    assert code_of(refused, 422) == "idempotency-key-reused"
    assert "set-cookie" not in refused.headers
    assert "link" not in refused.headers


@pytest.mark.parametrize("key", ["another-form", ""])
async def test_another_sign_up_with_the_same_email_is_refused_as_before(
    client: httpx.AsyncClient, key: str
) -> None:
    await sign_up(client)

    headers = {"Idempotency-Key": key} if key else {}
    refused = await client.post(PATH, json=ADA, headers=headers)

    assert code_of(refused, 400) == "email-in-use"


async def test_a_key_does_not_help_to_guess_a_password(client: httpx.AsyncClient, settings: Settings) -> None:
    await sign_up(client, key="1")

    for number in range(settings.max_failed_sign_ins):
        assert code_of(await sign_up(client, key="1", password=f"guess {number:04}"), 422)

    assert code_of(await sign_up(client, key="1"), 429) == "too-many-tries"


async def test_nothing_that_is_stored_helps_to_guess_a_password(
    client: httpx.AsyncClient, database: Database
) -> None:
    """A fast digest of the body could be guessed: it is the same one for another password."""
    creations = []
    for password in ("correct horse", "another password"):
        await sign_up(client, password=password)
        (user,) = await database["users"].find({})
        creations.append(user["creation"])
        await database["users"].delete_many({})

    assert creations[0] == creations[1]


async def test_a_malformed_key_is_refused_before_any_password_is_hashed(client: httpx.AsyncClient) -> None:
    assert code_of(await sign_up(client, key="a b"), 400) == "idempotency-key-invalid"


@pytest.mark.connected
async def test_of_many_sign_ups_at_two_processes_at_once_each_ends_signed_in(
    settings: Settings, real_database: Database
) -> None:
    async with (
        running(create_app(settings, stream=FakeStream(), database=real_database)) as one,
        running(create_app(settings, stream=FakeStream(), database=real_database)) as another,
    ):
        answers = await asyncio.gather(*(sign_up(client) for client in (one, another) for _ in range(4)))

        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        assert all("session" in answer.cookies for answer in answers)
        assert await real_database["users"].count_documents({}) == 1
