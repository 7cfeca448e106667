"""Confirming an e-mail address by a link that was mailed to it."""

from datetime import timedelta
from unittest.mock import Mock

import httpx
import pytest
from fastapi import FastAPI
from tests.mailbox import Mailbox

from auth.app import create_app
from auth.settings import Settings
from common.base import times
from common.persistence.mongo import Database
from common.testing.answers import code_of
from common.testing.browser import BASE_URL, SESSIONS, running
from common.testing.fake_stream import FakeStream

PATH = "/api/users/confirmation"
EMAIL, PASSWORD = "ada@example.test", "correct horse"
ADA = {"email": EMAIL, "password": PASSWORD}


@pytest.fixture
def mailbox(database: Database) -> Mailbox:
    return Mailbox(database)


@pytest.fixture(autouse=True)
async def ada(client: httpx.AsyncClient) -> dict[str, str]:
    user: dict[str, str] = (await client.post("/api/users/signup", json=ADA)).json()
    return user


async def _is_confirmed(client: httpx.AsyncClient) -> bool:
    answer = (await client.get("/api/users/currentuser")).json()
    return bool(answer["currentUser"]["confirmed"])


def _may_trade(client: httpx.AsyncClient) -> bool:
    user = SESSIONS.read(client.cookies["session"])
    assert user is not None
    return user.may_trade


async def test_the_link_of_a_sign_up_confirms_the_address_and_renews_the_session(
    client: httpx.AsyncClient, mailbox: Mailbox, ada: dict[str, str]
) -> None:
    before = SESSIONS.read(client.cookies["session"])
    assert not await _is_confirmed(client)
    assert not _may_trade(client)

    answer = await client.post(PATH, json={"token": await mailbox.token(EMAIL, "confirm")})

    assert answer.status_code == 200
    assert answer.json() == {**ada, "confirmed": True, "bounced": False, "language": "en", "notices": True}
    assert await _is_confirmed(client)
    assert _may_trade(client)
    after = SESSIONS.read(client.cookies["session"])
    assert before is not None
    assert after is not None
    assert before.session_id == after.session_id


async def test_a_link_opened_in_another_browser_reaches_the_session_when_its_user_is_asked_for(
    app: FastAPI, client: httpx.AsyncClient, mailbox: Mailbox
) -> None:
    token = await mailbox.token(EMAIL, "confirm")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE_URL) as other:
        answer = await other.post(PATH, json={"token": token})
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert not _may_trade(client)

    await client.get("/api/users/currentuser")

    assert _may_trade(client)


async def test_a_link_works_once(client: httpx.AsyncClient, mailbox: Mailbox) -> None:
    token = await mailbox.token(EMAIL, "confirm")
    await client.post(PATH, json={"token": token})

    assert code_of(await client.post(PATH, json={"token": token}), 400) == "link-invalid"


async def test_a_newer_link_replaces_an_older_one(client: httpx.AsyncClient, mailbox: Mailbox) -> None:
    first = await mailbox.token(EMAIL, "confirm")
    assert (await client.post(f"{PATH}/request")).status_code == 202
    second = await mailbox.token(EMAIL, "confirm", 2)

    assert code_of(await client.post(PATH, json={"token": first}), 400) == "link-invalid"
    assert (await client.post(PATH, json={"token": second})).status_code == 200


async def test_a_link_ends_after_a_day(
    client: httpx.AsyncClient, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await mailbox.token(EMAIL, "confirm")
    now = times.now()
    monkeypatch.setattr(times, "now", lambda: now + timedelta(hours=24))

    assert code_of(await client.post(PATH, json={"token": token}), 400) == "link-invalid"


async def test_no_copy_of_the_database_opens_a_link(database: Database, mailbox: Mailbox) -> None:
    token = await mailbox.token(EMAIL, "confirm")

    assert token not in str(await database["links"].find({}))


@pytest.mark.parametrize("token", [None, "", {"$gt": ""}, "\0", "x" * 43, "x" * 10_000, 1e300])
async def test_what_is_no_link_is_told_as_a_link_that_ended(client: httpx.AsyncClient, token: object) -> None:
    assert code_of(await client.post(PATH, json={"token": token}), 400) == "link-invalid"


async def test_another_mail_is_asked_for_three_times_an_hour(
    client: httpx.AsyncClient, mailbox: Mailbox
) -> None:
    for _ in range(3):
        assert (await client.post(f"{PATH}/request")).status_code == 202

    answer = await client.post(f"{PATH}/request")

    assert code_of(answer, 429) == "too-many-tries"
    assert 0 < int(answer.headers["retry-after"]) <= 3600
    assert len(await mailbox.all(EMAIL, "confirm")) == 4


async def test_a_confirmed_address_is_mailed_no_further_link(
    client: httpx.AsyncClient, mailbox: Mailbox
) -> None:
    await client.post(PATH, json={"token": await mailbox.token(EMAIL, "confirm")})

    assert (await client.post(f"{PATH}/request")).status_code == 202
    assert len(await mailbox.all(EMAIL, "confirm")) == 1


async def test_a_stranger_asks_for_no_mail(client: httpx.AsyncClient) -> None:
    client.cookies.clear()

    assert (await client.post(f"{PATH}/request")).status_code == 401


async def test_where_no_address_has_to_be_confirmed_every_session_may_trade(
    settings: Settings, database: Database, hasher: Mock
) -> None:
    lax = settings.model_copy(update={"require_confirmed_email": False})
    async with running(create_app(lax, stream=FakeStream(), database=database, hasher=hasher)) as client:
        await client.post("/api/users/signup", json=ADA | {"email": "bob@example.test"})

        assert _may_trade(client)
