"""Setting another password by a link that was mailed to the address."""

import asyncio
from datetime import timedelta
from unittest.mock import Mock

import httpx
import pytest
from fastapi import FastAPI
from tests.conftest import SignIn
from tests.mailbox import Mailbox

from auth import reset_requests
from common.base import times
from common.persistence.mongo import Database
from common.testing.answers import code_of
from common.testing.browser import BASE_URL

REQUEST, PATH = "/api/users/password/reset/request", "/api/users/password/reset"
EMAIL, OLD, NEW = "ada@example.test", "correct horse", "battery staple"
HOME, CAFE = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def mailbox(database: Database) -> Mailbox:
    return Mailbox(database)


@pytest.fixture(autouse=True)
async def ada(client: httpx.AsyncClient, hasher: Mock) -> None:
    await client.post("/api/users/signup", json={"email": EMAIL, "password": OLD})
    client.cookies.clear()
    hasher.reset_mock()


async def _ask_from(app: FastAPI, address: str, email: str = EMAIL) -> httpx.Response:
    transport = httpx.ASGITransport(app, client=(address, 50_000))
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
        return await client.post(REQUEST, json={"email": email})


async def _link(client: httpx.AsyncClient, mailbox: Mailbox, number: int = 1) -> str:
    assert (await client.post(REQUEST, json={"email": EMAIL})).status_code == 202
    return await mailbox.token(EMAIL, "reset", number)


async def test_a_link_sets_another_password(
    client: httpx.AsyncClient, mailbox: Mailbox, sign_in_from: SignIn
) -> None:
    token = await _link(client, mailbox)

    answer = await client.post(PATH, json={"token": token, "password": NEW})

    assert (answer.status_code, answer.json()) == (200, {})
    assert (await sign_in_from(HOME, EMAIL, OLD)).status_code == 400
    assert (await sign_in_from(HOME, EMAIL, NEW)).status_code == 200


async def test_every_address_gets_the_same_answer_and_only_one_with_an_account_a_mail(
    client: httpx.AsyncClient, mailbox: Mailbox, database: Database, hasher: Mock
) -> None:
    known = await client.post(REQUEST, json={"email": EMAIL})
    unknown = await client.post(REQUEST, json={"email": "bob@example.test"})

    assert (known.status_code, known.content) == (unknown.status_code, unknown.content) == (202, b"{}")
    assert set(known.headers) == set(unknown.headers)
    assert not hasher.method_calls
    await mailbox.token(EMAIL, "reset")
    async with asyncio.timeout(10):
        while await database["reset_requests"].count_documents({}):
            await asyncio.sleep(0.01)
    assert await mailbox.all("bob@example.test", "reset") == []


async def test_the_owner_is_told_by_mail(client: httpx.AsyncClient, mailbox: Mailbox) -> None:
    await client.post(PATH, json={"token": await _link(client, mailbox), "password": NEW})

    assert len(await mailbox.all(EMAIL, "password-changed")) == 1


async def test_a_link_works_once_even_if_it_is_used_twice_at_the_same_moment(
    client: httpx.AsyncClient, mailbox: Mailbox
) -> None:
    body = {"token": await _link(client, mailbox), "password": NEW}

    answers = await asyncio.gather(*(client.post(PATH, json=body) for _ in range(5)))

    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400, 400]
    assert code_of(await client.post(PATH, json=body), 400) == "link-invalid"


async def test_a_link_ends_after_fifteen_minutes(
    client: httpx.AsyncClient, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await _link(client, mailbox)
    now = times.now()
    monkeypatch.setattr(times, "now", lambda: now + timedelta(minutes=15))

    answer = await client.post(PATH, json={"token": token, "password": NEW})

    assert code_of(answer, 400) == "link-invalid"


async def test_a_link_to_confirm_an_address_sets_no_password(
    client: httpx.AsyncClient, mailbox: Mailbox
) -> None:
    token = await mailbox.token(EMAIL, "confirm")

    assert code_of(await client.post(PATH, json={"token": token, "password": NEW}), 400) == "link-invalid"


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "password-invalid"),
        ("password1", "password-common"),
        ("ada@example.test", "password-like-email"),
        (None, "password-invalid"),
    ],
)
async def test_a_refused_password_does_not_spend_the_link(
    client: httpx.AsyncClient, mailbox: Mailbox, password: object, code: str
) -> None:
    token = await _link(client, mailbox)

    refused = await client.post(PATH, json={"token": token, "password": password})

    assert code_of(refused, 400) == code
    assert refused.json()["errors"][0]["field"] == "password"
    assert (await client.post(PATH, json={"token": token, "password": NEW})).status_code == 200


async def test_a_reset_confirms_the_address(
    client: httpx.AsyncClient, mailbox: Mailbox, database: Database
) -> None:
    await client.post(PATH, json={"token": await _link(client, mailbox), "password": NEW})

    stored = await database["users"].find_one({})
    assert stored is not None
    assert stored["confirmed"] is True


async def test_a_reset_clears_the_failed_sign_ins_of_the_account(
    client: httpx.AsyncClient, mailbox: Mailbox, sign_in_from: SignIn
) -> None:
    for number in range(100):
        await sign_in_from(f"198.51.100.{number // 10}", EMAIL, "wrong horse")
    assert (await sign_in_from(HOME, EMAIL, OLD)).status_code == 429

    await client.post(PATH, json={"token": await _link(client, mailbox), "password": NEW})

    assert (await sign_in_from(HOME, EMAIL, NEW)).status_code == 200


async def test_a_reset_ends_the_sessions_of_this_browser(client: httpx.AsyncClient, mailbox: Mailbox) -> None:
    await client.post("/api/users/signin", json={"email": EMAIL, "password": OLD})

    await client.post(PATH, json={"token": await _link(client, mailbox), "password": NEW})

    assert "session" not in client.cookies


async def test_another_users_session_in_the_same_browser_goes_on(
    client: httpx.AsyncClient, mailbox: Mailbox
) -> None:
    await client.post("/api/users/signup", json={"email": "bob@example.test", "password": OLD})

    await client.post(PATH, json={"token": await _link(client, mailbox), "password": NEW})

    assert "session" in client.cookies


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.test"])
async def test_three_links_an_hour_are_asked_for_from_one_address_whoever_has_an_account(
    app: FastAPI, email: str
) -> None:
    for _ in range(3):
        assert (await _ask_from(app, HOME, email)).status_code == 202

    assert code_of(await _ask_from(app, HOME, email.upper()), 429) == "too-many-tries"
    assert (await _ask_from(app, CAFE, email)).status_code == 202


async def test_ten_links_an_hour_are_asked_for_from_anywhere(app: FastAPI) -> None:
    for number in range(10):
        assert (await _ask_from(app, f"192.0.2.{number}")).status_code == 202

    assert (await _ask_from(app, "192.0.2.99")).status_code == 429


async def test_one_address_asks_for_thirty_links_an_hour(app: FastAPI) -> None:
    for number in range(30):
        assert (await _ask_from(app, HOME, f"{number}@example.test")).status_code == 202

    assert (await _ask_from(app, HOME, "31@example.test")).status_code == 429


async def test_a_link_ends_with_the_address_that_it_was_mailed_to(
    client: httpx.AsyncClient, mailbox: Mailbox, database: Database
) -> None:
    token = await _link(client, mailbox)
    await database["users"].update_one({}, {"$set": {"email": "new@x.test", "email_key": "new@x.test"}})

    assert code_of(await client.post(PATH, json={"token": token, "password": NEW}), 400) == "link-invalid"


async def test_a_request_that_a_process_left_half_done_is_worked_off_by_another(
    mailbox: Mailbox, database: Database
) -> None:
    past, later = times.now() - timedelta(seconds=1), times.now() + timedelta(minutes=10)
    await database["reset_requests"].update_one(
        {"_id": EMAIL}, {"$set": {"email": EMAIL, "due": past, "expires_at": later}}, upsert=True
    )

    assert await mailbox.token(EMAIL, "reset")


async def test_the_work_on_a_request_begins_at_a_random_moment(
    client: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reset_requests, "MOST_DELAY", timedelta(days=1))
    for number in range(20):
        await client.post(REQUEST, json={"email": f"{number}@example.test"})

    waiting = await database["reset_requests"].find({})
    delays = {each["due"] - each["expires_at"] for each in waiting}
    assert len(waiting) == 20
    assert len(delays) > 10
