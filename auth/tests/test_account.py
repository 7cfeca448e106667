"""Changes that a signed-in user makes: another password, another address."""

from datetime import timedelta
from unittest.mock import AsyncMock

import httpx
import pytest
from fastapi import FastAPI
from tests.conftest import SignIn
from tests.mailbox import Mailbox

from auth.consequences import sweep
from common.base import times
from common.persistence.mongo import Database
from common.testing.answers import code_of
from common.testing.browser import SESSIONS

PASSWORD_PATH, EMAIL_PATH, CONFIRM_PATH = "/api/users/password", "/api/users/email", "/api/users/confirmation"
EMAIL, NEXT, OLD, NEW = "ada@example.test", "ada@work.test", "correct horse", "battery staple"
HOME = "192.0.2.1"
CHANGE = {"current": OLD, "password": NEW}


@pytest.fixture
def mailbox(database: Database) -> Mailbox:
    return Mailbox(database)


@pytest.fixture(autouse=True)
async def ada(client: httpx.AsyncClient) -> None:
    await client.post("/api/users/signup", json={"email": EMAIL, "password": OLD})


async def test_a_user_changes_the_password_and_is_told_by_mail(
    client: httpx.AsyncClient, mailbox: Mailbox, sign_in_from: SignIn
) -> None:
    answer = await client.put(PASSWORD_PATH, json=CHANGE)

    assert answer.status_code == 204
    assert (await sign_in_from(HOME, EMAIL, OLD)).status_code == 400
    assert (await sign_in_from(HOME, EMAIL, NEW)).status_code == 200
    assert len(await mailbox.all(EMAIL, "password-changed")) == 1


async def test_a_change_of_the_password_ends_the_other_sessions(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    ended = AsyncMock()
    app.state.context.sessions.end_sessions = ended
    user = SESSIONS.read(client.cookies["session"])
    assert user is not None

    await client.put(PASSWORD_PATH, json=CHANGE)

    ended.assert_awaited_once_with(user.id, but=user.session_id)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (PASSWORD_PATH, {"current": "wrong horse", "password": NEW}, "current"),
        (PASSWORD_PATH, {"current": "x" * 129, "password": NEW}, "current"),
        (EMAIL_PATH, {"email": NEXT, "password": "wrong horse"}, "password"),
    ],
)
async def test_a_wrong_password_changes_nothing(
    client: httpx.AsyncClient, sign_in_from: SignIn, path: str, body: dict[str, str], field: str
) -> None:
    answer = await client.put(path, json=body)

    assert code_of(answer, 400) == "password-wrong"
    assert answer.json()["errors"][0]["field"] == field
    assert (await sign_in_from(HOME, EMAIL, OLD)).status_code == 200


async def test_a_stolen_session_does_not_guess_the_password(client: httpx.AsyncClient) -> None:
    for _ in range(10):
        await client.put(PASSWORD_PATH, json=CHANGE | {"current": "wrong horse"})

    assert code_of(await client.put(PASSWORD_PATH, json=CHANGE), 429) == "too-many-tries"
    change = {"email": NEXT, "password": OLD}
    assert code_of(await client.put(EMAIL_PATH, json=change), 429) == "too-many-tries"


@pytest.mark.parametrize(
    ("password", "code"),
    [("short", "password-invalid"), ("password1", "password-common"), (EMAIL, "password-like-email")],
)
async def test_a_new_password_is_within_the_rules(
    client: httpx.AsyncClient, password: str, code: str
) -> None:
    answer = await client.put(PASSWORD_PATH, json={"current": OLD, "password": password})

    assert code_of(answer, 400) == code
    assert answer.json()["errors"][0]["field"] == "password"


@pytest.mark.parametrize(("path", "body"), [(PASSWORD_PATH, CHANGE), (EMAIL_PATH, {})])
async def test_a_stranger_changes_nothing(client: httpx.AsyncClient, path: str, body: object) -> None:
    client.cookies.clear()

    assert (await client.put(path, json=body)).status_code == 401


async def test_a_change_of_the_password_makes_other_devices_unknown_and_keeps_this_one(
    client: httpx.AsyncClient,
) -> None:
    other = client.cookies["device"]
    await client.put(PASSWORD_PATH, json=CHANGE)
    mine = client.cookies["device"]

    async def limit_of(device: str) -> int:
        """Status of the right password after ten failures of the network address that have no device."""
        client.cookies.clear()
        sent = {"email": EMAIL, "password": NEW}
        return (
            await client.post("/api/users/signin", json=sent, headers={"Cookie": f"device={device}"})
        ).status_code

    client.cookies.clear()
    for _ in range(10):
        await client.post("/api/users/signin", json={"email": EMAIL, "password": "wrong horse"})

    assert await limit_of(other) == 429
    assert await limit_of(mine) == 200


async def test_a_link_to_the_new_address_changes_it_and_the_old_one_is_told(
    client: httpx.AsyncClient, mailbox: Mailbox, sign_in_from: SignIn
) -> None:
    answer = await client.put(EMAIL_PATH, json={"email": NEXT, "password": OLD})

    assert (answer.status_code, answer.json()) == (202, {})
    assert (await sign_in_from(HOME, EMAIL, OLD)).status_code == 200
    assert await mailbox.all(EMAIL, "address-changed") == []

    token = await mailbox.token(NEXT, "address-change")
    confirmed = await client.post(CONFIRM_PATH, json={"token": token})

    assert confirmed.status_code == 200
    assert (confirmed.json()["email"], confirmed.json()["confirmed"]) == (NEXT, True)
    assert len(await mailbox.all(EMAIL, "address-changed")) == 1
    assert (await sign_in_from(HOME, EMAIL, OLD)).status_code == 400
    assert (await sign_in_from(HOME, NEXT, OLD)).status_code == 200


async def test_that_an_address_has_an_account_is_told_only_to_its_reader(
    client: httpx.AsyncClient, mailbox: Mailbox
) -> None:
    mine = client.cookies["session"]
    await client.post("/api/users/signup", json={"email": NEXT, "password": OLD})
    client.cookies.clear()
    client.cookies["session"] = mine

    free = await client.put(EMAIL_PATH, json={"email": "free@work.test", "password": OLD})
    taken = await client.put(EMAIL_PATH, json={"email": NEXT, "password": OLD})

    assert (free.status_code, free.content) == (taken.status_code, taken.content) == (202, b"{}")
    token = await mailbox.token(NEXT, "address-change")
    assert code_of(await client.post(CONFIRM_PATH, json={"token": token}), 400) == "email-in-use"


async def test_a_change_of_the_password_ends_a_link_to_another_address(
    client: httpx.AsyncClient, mailbox: Mailbox
) -> None:
    await client.put(EMAIL_PATH, json={"email": NEXT, "password": OLD})
    token = await mailbox.token(NEXT, "address-change")

    await client.put(PASSWORD_PATH, json=CHANGE)

    assert code_of(await client.post(CONFIRM_PATH, json={"token": token}), 400) == "link-invalid"


async def test_the_consequences_of_a_change_follow_after_a_crash(
    app: FastAPI,
    client: httpx.AsyncClient,
    mailbox: Mailbox,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended = AsyncMock(side_effect=RuntimeError("the process ended here"))
    app.state.context.sessions.end_sessions = ended
    assert (await client.put(PASSWORD_PATH, json=CHANGE)).status_code == 500
    assert await mailbox.all(EMAIL, "password-changed") == []

    ended.side_effect = None
    now = times.now()
    monkeypatch.setattr(times, "now", lambda: now + timedelta(minutes=2))
    monkeypatch.setattr("auth.consequences.asyncio.sleep", AsyncMock(side_effect=EOFError))
    with pytest.raises(EOFError):
        await sweep(app.state.context)

    assert ended.await_count == 2
    assert len(await mailbox.all(EMAIL, "password-changed")) == 1
    stored = await database["users"].find_one({})
    assert stored is not None
    assert stored["changes"] == []


@pytest.mark.parametrize("kind", ["address-change", "reset"])
async def test_a_link_from_before_a_change_of_the_password_is_worth_nothing_even_after_a_crash(
    app: FastAPI, client: httpx.AsyncClient, mailbox: Mailbox, kind: str
) -> None:
    await client.put(EMAIL_PATH, json={"email": NEXT, "password": OLD})
    await client.post("/api/users/password/reset/request", json={"email": EMAIL})
    token = await mailbox.token(NEXT if kind == "address-change" else EMAIL, kind)
    app.state.context.sessions.end_sessions = AsyncMock(side_effect=RuntimeError("the process ended here"))
    assert (await client.put(PASSWORD_PATH, json=CHANGE)).status_code == 500

    path = CONFIRM_PATH if kind == "address-change" else "/api/users/password/reset"
    body = {"token": token} | ({} if kind == "address-change" else {"password": "a third battery"})
    assert code_of(await client.post(path, json=body), 400) == "link-invalid"
