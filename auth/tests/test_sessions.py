"""A user's sessions: the list, and their ends, which reach every service by an event."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import httpx
import orjson
import pytest
from fastapi import FastAPI

from auth import sessions as records
from auth.app import create_app
from auth.settings import Settings
from common.base.identity import CurrentUser
from common.persistence.mongo import Database
from common.testing.browser import BASE_URL, SESSIONS, running
from common.testing.fake_stream import FakeStream

ADA = {"email": "ada@example.test", "password": "correct horse"}
CURRENT = "/api/users/currentuser"
MINE = "/api/users/sessions"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

Browse = Callable[[str], httpx.AsyncClient]


@pytest.fixture
async def browse(app: FastAPI) -> AsyncIterator[Browse]:
    """Function that opens another browser, with its User-Agent."""
    async with AsyncExitStack() as stack:

        def browser(agent: str) -> httpx.AsyncClient:
            transport = httpx.ASGITransport(app, client=("198.51.100.7", 50_000))
            opened = httpx.AsyncClient(transport=transport, base_url=BASE_URL, headers={"User-Agent": agent})
            stack.push_async_callback(opened.aclose)
            return opened

        yield browser


@pytest.fixture
async def phone(browse: Browse, client: httpx.AsyncClient) -> httpx.AsyncClient:
    """Ada's second device; `client` is her first."""
    await client.post("/api/users/signup", json=ADA)
    phone = browse(FIREFOX)
    await phone.post("/api/users/signin", json=ADA)
    return phone


async def is_signed_in(browser: httpx.AsyncClient) -> bool:
    answer = await browser.get(CURRENT)
    return answer.json()["currentUser"] is not None


async def listed(browser: httpx.AsyncClient) -> list[dict[str, Any]]:
    answer = await browser.get(MINE)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


async def published(stream: FakeStream, count: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(5):
        while len(stream.of("session.ended")) < count:
            await asyncio.sleep(0.002)
    return [orjson.loads(message.data) for message in stream.of("session.ended")]


async def test_each_session_is_listed_with_its_device_and_address(phone: httpx.AsyncClient) -> None:
    sessions = await listed(phone)

    assert [session["current"] for session in sessions] == [True, False]
    assert (sessions[0]["device"], sessions[0]["address"]) == ("Firefox on Linux", "198.51.100.7")
    assert sessions[0].keys() == {"id", "device", "address", "created", "lastUsed", "current"}
    assert (await phone.get(MINE)).headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("DELETE", ""), ("DELETE", "/abc")])
async def test_they_are_their_owners_alone(client: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await client.request(method, MINE + path)

    assert answer.status_code == 401


async def test_a_session_is_ended_from_another_device(
    client: httpx.AsyncClient, phone: httpx.AsyncClient, stream: FakeStream
) -> None:
    (other,) = [session for session in await listed(client) if not session["current"]]

    assert (await client.delete(f"{MINE}/{other['id']}")).status_code == 204

    assert not await is_signed_in(phone)
    assert await is_signed_in(client)
    user = (await client.get(CURRENT)).json()["currentUser"]
    assert await published(stream, 1) == [{"id": other["id"], "userId": user["id"]}]
    assert [session["current"] for session in await listed(client)] == [True]


async def test_all_others_are_ended_at_once(
    client: httpx.AsyncClient, phone: httpx.AsyncClient, browse: Browse, stream: FakeStream
) -> None:
    tablet = browse("x")
    await tablet.post("/api/users/signin", json=ADA)

    assert (await client.delete(MINE)).status_code == 204

    assert [await is_signed_in(browser) for browser in (client, phone, tablet)] == [True, False, False]
    await published(stream, 2)


async def test_the_own_session_is_ended_with_its_cookie(
    client: httpx.AsyncClient, phone: httpx.AsyncClient
) -> None:
    (own,) = [session for session in await listed(phone) if session["current"]]

    answer = await phone.delete(f"{MINE}/{own['id']}")

    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert await is_signed_in(client)


async def test_the_session_of_another_user_is_not_found(
    client: httpx.AsyncClient, phone: httpx.AsyncClient, browse: Browse
) -> None:
    stranger = browse("x")
    await stranger.post("/api/users/signup", json={**ADA, "email": "eve@example.test"})

    for session in await listed(client):
        assert (await stranger.delete(f"{MINE}/{session['id']}")).status_code == 404
    for name in ("unknown", "a.b", "*", "x" * 5_000):
        assert (await stranger.delete(f"{MINE}/{name}")).status_code == 404
    assert await is_signed_in(client)
    assert await is_signed_in(phone)


async def test_a_sign_out_ends_the_session_also_for_a_copy_of_its_cookie(
    client: httpx.AsyncClient, stream: FakeStream
) -> None:
    await client.post("/api/users/signup", json=ADA)
    copy = {"Cookie": f"session={client.cookies['session']}"}

    await client.post("/api/users/signout")

    assert (await client.get(CURRENT, headers=copy)).json()["currentUser"] is None
    await published(stream, 1)
    # Signed out twice, by a form that is sent again.
    assert (await client.post("/api/users/signout", headers=copy)).status_code == 200


async def test_a_session_without_a_record_is_listed_once_it_is_used_and_ended(
    client: httpx.AsyncClient, browse: Browse, stream: FakeStream
) -> None:
    """As one that the release before began."""
    user = (await client.post("/api/users/signup", json=ADA)).json()
    token = SESSIONS.token(CurrentUser(user["id"], "b2xkZXItc2Vzc2lvbi0wMQ"))
    older = browse(FIREFOX)
    older.cookies.set("session", token)

    assert len(await listed(client)) == 1
    assert await is_signed_in(older)
    assert len(await listed(client)) == 2
    await older.post("/api/users/signout")

    older.cookies.set("session", token)
    assert not await is_signed_in(older)
    assert len(await listed(client)) == 1
    await published(stream, 1)


async def test_a_session_without_a_record_is_ended_without_being_used(
    client: httpx.AsyncClient, stream: FakeStream
) -> None:
    user = (await client.post("/api/users/signup", json=ADA)).json()
    client.cookies.clear()
    client.cookies.set("session", SESSIONS.token(CurrentUser(user["id"], "b2xkZXItc2Vzc2lvbi0wMQ")))

    await client.post("/api/users/signout")

    assert await published(stream, 1) == [{"id": "b2xkZXItc2Vzc2lvbi0wMQ", "userId": user["id"]}]


async def test_the_use_of_a_session_is_written_rarely(
    client: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.post("/api/users/signup", json=ADA)
    (before,) = await database["sessions"].find({})
    for _ in range(3):
        await client.get(CURRENT)
    assert await database["sessions"].find({}) == [before]

    monkeypatch.setattr("auth.last_used.NOTE_EVERY_SECONDS", 0.0)
    await client.get(CURRENT)

    (after,) = await database["sessions"].find({})
    assert after["used_at"] >= before["used_at"]
    assert after["created_at"] == before["created_at"]
    assert after.keys() == before.keys()


async def test_another_password_ends_the_other_sessions(
    client: httpx.AsyncClient, phone: httpx.AsyncClient, stream: FakeStream
) -> None:
    change = {"current": ADA["password"], "password": "battery staple 7"}

    assert (await client.put("/api/users/password", json=change)).status_code == 204

    assert [await is_signed_in(browser) for browser in (client, phone)] == [True, False]
    await published(stream, 1)


async def test_a_sign_in_that_races_another_password_does_not_survive_it(
    client: httpx.AsyncClient, phone: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sessions are ended after the old password was verified, and before the new session is stored."""
    begin = records.SessionRecords.begin
    change = {"current": ADA["password"], "password": "battery staple 7"}

    async def late(self: records.SessionRecords, session: CurrentUser, origin: records.Origin) -> None:
        monkeypatch.setattr(records.SessionRecords, "begin", begin)
        assert (await client.put("/api/users/password", json=change)).status_code == 204
        await begin(self, session, origin)

    monkeypatch.setattr(records.SessionRecords, "begin", late)
    answer = await phone.post("/api/users/signin", json=ADA)

    assert answer.status_code == 400
    assert "set-cookie" not in answer.headers
    assert len(await listed(client)) == 1


@pytest.mark.usefixtures("hasty_relays")
async def test_users_sign_in_and_out_while_the_broker_is_down(
    client: httpx.AsyncClient, stream: FakeStream
) -> None:
    stream.up = False
    await client.post("/api/users/signup", json=ADA)
    copy = {"Cookie": f"session={client.cookies['session']}"}

    assert (await client.post("/api/users/signin", json=ADA)).status_code == 200
    assert (await client.post("/api/users/signout", headers=copy)).status_code == 200
    assert (await client.get(CURRENT, headers=copy)).json()["currentUser"] is None

    stream.up = True
    await published(stream, 1)


async def test_a_process_that_starts_later_knows_the_ended_sessions(
    client: httpx.AsyncClient, settings: Settings, database: Database, stream: FakeStream, hasher: Mock
) -> None:
    await client.post("/api/users/signup", json=ADA)
    copy = {"Cookie": f"session={client.cookies['session']}"}
    await client.post("/api/users/signout")
    await published(stream, 1)

    another = create_app(settings, database=database, stream=stream, hasher=hasher)
    async with running(another) as later:
        assert (await later.get(CURRENT, headers=copy)).json()["currentUser"] is None


async def test_many_sessions_of_a_user_are_all_ended(
    app: FastAPI, client: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "BATCH", 2)
    user = (await client.post("/api/users/signup", json=ADA)).json()
    for _ in range(5):
        await client.post("/api/users/signin", json=ADA)

    await app.state.context.sessions.end_sessions(user["id"])
    await app.state.context.sessions.end_sessions(user["id"])

    assert await database["sessions"].count_documents({"ended_at": None}) == 0
    assert await database["sessions"].count_documents({}) == 6


async def test_a_renewed_session_is_kept_as_long_as_its_token(
    client: httpx.AsyncClient, database: Database
) -> None:
    await client.post("/api/users/signup", json=ADA)
    (session,) = await database["sessions"].find({})
    soon = session["expires_at"] - timedelta(days=6)
    await database["sessions"].update_one({"_id": session["_id"]}, {"$set": {"expires_at": soon}})
    await database["users"].update_one({}, {"$set": {"confirmed": True}})

    await client.get(CURRENT)

    (session,) = await database["sessions"].find({})
    assert session["expires_at"] > soon + timedelta(days=5)
