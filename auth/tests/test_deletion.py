"""A user deletes the account: nothing that names the person stays, and the address is free."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from unittest.mock import AsyncMock

import httpx
import orjson
import pytest
from fastapi import FastAPI
from tests.conftest import SignIn
from tests.mailbox import Mailbox

from auth.consequences import sweep
from auth.context import AccountContext
from auth.deletions import KEPT, address_of
from auth.domain import Email
from auth.window_keys import key_of
from common.base import times
from common.base.errors import InvalidValue
from common.persistence.mongo import Database, Document
from common.testing.answers import code_of
from common.testing.browser import SESSIONS
from common.testing.fake_stream import FakeStream

ME, RESET = "/api/users/me", "/api/users/password/reset"
EMAIL, PASSWORD = "Ada@Example.test", "correct horse"
HOME = "192.0.2.1"
WINDOWS = ("failed_sign_ins", "mail_requests")
COLLECTIONS = ("users", "mails", "links", "reset_requests", "sessions", *WINDOWS)


@pytest.fixture
def mailbox(database: Database) -> Mailbox:
    return Mailbox(database)


@pytest.fixture(autouse=True)
async def ada(client: httpx.AsyncClient) -> None:
    await client.post("/api/users/signup", json={"email": EMAIL, "password": PASSWORD})


async def delete(client: httpx.AsyncClient, **body: Any) -> httpx.Response:
    return await client.request("DELETE", ME, json=body or {"password": PASSWORD})


async def stored(database: Database) -> Mapping[str, list[Document]]:
    return {name: await database[name].find({}) for name in COLLECTIONS}


def now_is_later(monkeypatch: pytest.MonkeyPatch) -> None:
    now = times.now()
    monkeypatch.setattr(times, "now", lambda: now + timedelta(minutes=2))


async def swept(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """One round of the sweep, two minutes later."""
    now_is_later(monkeypatch)
    monkeypatch.setattr("auth.consequences.asyncio.sleep", AsyncMock(side_effect=EOFError))
    with pytest.raises(EOFError):
        await sweep(app.state.context)


async def test_a_deleted_account_leaves_its_bare_id(
    client: httpx.AsyncClient, database: Database, stream: FakeStream, app: FastAPI
) -> None:
    user = SESSIONS.read(client.cookies["session"])
    assert user is not None

    answer = await delete(client)

    assert (answer.status_code, answer.json()) == (202, {})
    assert "session" not in client.cookies
    (document,) = await database["users"].find({})
    assert document["_id"] == user.id
    assert document.keys() <= KEPT
    assert document["email"] == document["email_key"] == address_of(user.id)
    assert document["password_hash"] == ""
    await app.state.context.deletions.relay.drained()
    (event,) = stream.of("user.deleted")
    assert orjson.loads(event.data) == {"id": user.id, "version": 1}
    (ended,) = [orjson.loads(each.data) for each in stream.of("session.ended")]
    assert ended == {"id": user.session_id, "userId": user.id}


async def test_nothing_stored_has_the_address_but_the_last_mail(
    client: httpx.AsyncClient, database: Database, mailbox: Mailbox
) -> None:
    await client.post("/api/users/password/reset/request", json={"email": EMAIL})
    await mailbox.token(EMAIL, "reset")
    await client.put("/api/users/email", json={"email": "ada@work.test", "password": PASSWORD})
    await client.put("/api/users/email", json={"email": "ada@work.test", "password": "wrong horse"})

    await delete(client)

    (notice,) = await mailbox.all(EMAIL, "account-deleted")
    assert notice["expires_at"] - notice["at"] <= timedelta(hours=24)
    await database["mails"].delete_one({"_id": notice["_id"]})
    left = repr(await stored(database)).casefold()
    assert "ada@" not in left
    assert not any(each["device"] or each["address"] for each in await database["sessions"].find({}))
    counted = {each["_id"] for name in WINDOWS for each in await database[name].find({})}
    key = Email.parse(EMAIL).key
    assert counted
    assert counted.isdisjoint({key_of("account", key), key_of(key)})


async def test_the_address_is_free_at_once_and_its_next_account_is_another(
    client: httpx.AsyncClient, sign_in_from: SignIn
) -> None:
    former = SESSIONS.read(client.cookies["session"])
    await delete(client)

    assert code_of(await sign_in_from(HOME, EMAIL, PASSWORD), 400) == "invalid-credentials"
    answer = await client.post("/api/users/signup", json={"email": EMAIL, "password": PASSWORD})

    assert answer.status_code == 201
    assert former is not None
    assert answer.json()["id"] != former.id
    assert (await delete(client)).status_code == 202
    assert (
        await client.post("/api/users/signup", json={"email": EMAIL, "password": PASSWORD})
    ).status_code == 201


async def test_every_way_in_is_closed(client: httpx.AsyncClient, mailbox: Mailbox) -> None:
    await client.post("/api/users/password/reset/request", json={"email": EMAIL})
    reset, confirm = await mailbox.token(EMAIL, "reset"), await mailbox.token(EMAIL, "confirm")
    session = client.cookies["session"]

    await delete(client)

    answer = await client.post(RESET, json={"token": reset, "password": "battery staple"})
    assert code_of(answer, 400) == "link-invalid"
    answer = await client.post("/api/users/confirmation", json={"token": confirm})
    assert code_of(answer, 400) == "link-invalid"
    old = {"Cookie": f"session={session}"}
    assert (await client.get("/api/users/currentuser", headers=old)).json() == {"currentUser": None}
    assert (await client.request("DELETE", ME, json={"password": PASSWORD}, headers=old)).status_code == 401


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"password": "wrong horse"}, "password-wrong"),
        ({"password": ""}, "password-required"),
        ({"passkey": {"id": "x"}}, "passkey-refused"),
    ],
)
async def test_only_the_user_deletes_the_account(
    client: httpx.AsyncClient, sign_in_from: SignIn, body: dict[str, object], code: str
) -> None:
    assert code_of(await delete(client, **body), 400) == code
    assert (await sign_in_from(HOME, EMAIL, PASSWORD)).status_code == 200


async def test_a_visitor_deletes_nothing(client: httpx.AsyncClient) -> None:
    client.cookies.clear()

    assert (await delete(client)).status_code == 401


async def test_a_stolen_session_does_not_guess_the_password(client: httpx.AsyncClient) -> None:
    for _ in range(10):
        await delete(client, password="wrong horse")

    assert code_of(await delete(client), 429) == "too-many-tries"


async def test_an_account_that_changes_meanwhile_is_not_deleted(
    client: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notice would go to an address that is no longer the account's."""

    async def verify(context: AccountContext, *_: object) -> None:
        del context
        other = {"email": "ada@work.test", "email_key": "ada@work.test"}
        await database["users"].update_one({}, {"$set": other})

    monkeypatch.setattr("auth.account_deletion.verify", verify)

    assert (await delete(client)).status_code == 503
    (document,) = await database["users"].find({})
    assert "deleted_at" not in document


async def test_what_follows_is_done_after_a_crash(
    client: httpx.AsyncClient,
    app: FastAPI,
    database: Database,
    mailbox: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sessions = app.state.context.sessions
    end_sessions = sessions.end_sessions
    sessions.end_sessions = AsyncMock(side_effect=RuntimeError("the process ended here"))
    assert (await delete(client)).status_code == 500

    sessions.end_sessions = end_sessions
    await swept(app, monkeypatch)

    assert len(await mailbox.all(EMAIL, "account-deleted")) == 1
    assert await mailbox.all(EMAIL, "confirm") == []
    assert await database["links"].find({}) == []
    (session,) = await database["sessions"].find({})
    assert "ended_at" in session
    (user,) = await database["users"].find({})
    assert user["changes"] == []


async def test_what_a_request_in_flight_stored_is_erased_a_minute_later(
    client: httpx.AsyncClient,
    app: FastAPI,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = await stored(database)
    await delete(client)
    # As of requests that had read the user before.
    await database["links"].insert_many(before["links"])
    await database["mails"].insert_many([{**each, "_id": "late"} for each in before["mails"]])

    await swept(app, monkeypatch)

    assert [mail["kind"] for mail in await database["mails"].find({})] == ["account-deleted"]
    assert await database["links"].find({}) == []
    (user,) = await database["users"].find({})
    assert user["changes"] == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/api/users/mails", {"language": "zh", "notices": True}),
        ("POST", "/api/users/passkeys/proof/options", {}),
        ("POST", "/api/users/confirmation/request", {}),
    ],
)
async def test_a_session_that_is_not_known_to_have_ended_stores_nothing_of_a_deleted_user(
    client: httpx.AsyncClient, app: FastAPI, database: Database, method: str, path: str, body: object
) -> None:
    session = client.cookies["session"]
    app.state.context.sessions.end_sessions = AsyncMock()
    await delete(client)
    (before,) = await database["users"].find({})

    answer = await client.request(method, path, json=body, headers={"Cookie": f"session={session}"})

    assert answer.status_code in (400, 401)
    assert await database["users"].find({}) == [before]


async def test_no_account_can_have_the_address_of_a_deleted_one() -> None:
    with pytest.raises(InvalidValue):
        Email.parse(address_of("a" * 24))


async def test_a_field_that_a_newer_release_stored_of_the_person_is_erased(
    client: httpx.AsyncClient, database: Database
) -> None:
    await database["users"].update_one({}, {"$set": {"phone": "+1 555"}})

    await delete(client)

    (document,) = await database["users"].find({})
    assert document.keys() <= KEPT
