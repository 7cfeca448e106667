import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from unittest.mock import Mock

import httpx
import pytest
from fastapi import FastAPI

from auth.failed_sign_ins import WINDOW
from common.base import times
from common.http.client_address import HEADER, SignedClientAddress
from common.persistence.mongo import Database
from common.testing.browser import BASE_URL, CLIENT_ADDRESS_KEY

SignIn = Callable[[str, str, str], Awaitable[httpx.Response]]

EMAIL, GOOD, BAD = "ada@example.test", "correct horse", "correct house"
HOME, CAFE = "192.0.2.1", "192.0.2.2"


@pytest.fixture(autouse=True)
async def ada(client: httpx.AsyncClient, hasher: Mock) -> None:
    await client.post("/api/users/signup", json={"email": EMAIL, "password": GOOD})
    hasher.reset_mock()


async def _fail(sign_in_from: SignIn, times_: int, address: str = HOME, email: str = EMAIL) -> None:
    for _ in range(times_):
        assert (await sign_in_from(address, email, BAD)).status_code == 400


async def test_after_ten_failures_even_the_right_password_waits(sign_in_from: SignIn, hasher: Mock) -> None:
    await _fail(sign_in_from, 10)
    hasher.reset_mock()

    answer = await sign_in_from(HOME, EMAIL, GOOD)

    assert answer.status_code == 429
    assert answer.json() == {"errors": [{"code": "too-many-tries", "message": "Too many tries, please wait"}]}
    assert 0 < int(answer.headers["retry-after"]) <= WINDOW.total_seconds()
    assert not hasher.method_calls


async def test_the_case_of_the_email_does_not_win_more_tries(sign_in_from: SignIn) -> None:
    await _fail(sign_in_from, 5, email="Ada@example.test")
    await _fail(sign_in_from, 5, email="ADA@EXAMPLE.TEST")

    assert (await sign_in_from(HOME, EMAIL, GOOD)).status_code == 429


async def test_an_unknown_email_is_throttled_as_a_known_one(sign_in_from: SignIn) -> None:
    await _fail(sign_in_from, 10, email="nobody@example.test")

    assert (await sign_in_from(HOME, "nobody@example.test", BAD)).status_code == 429


async def test_other_addresses_and_emails_are_not_throttled(sign_in_from: SignIn) -> None:
    await _fail(sign_in_from, 10)

    assert (await sign_in_from(CAFE, EMAIL, GOOD)).status_code == 200
    assert (await sign_in_from(HOME, "bob@example.test", BAD)).status_code == 400


async def test_a_network_of_ipv6_addresses_counts_as_one(sign_in_from: SignIn) -> None:
    for last in range(10):
        await _fail(sign_in_from, 1, address=f"2001:db8:1:2::{last}")

    assert (await sign_in_from("2001:db8:1:2:ffff::1", EMAIL, GOOD)).status_code == 429
    assert (await sign_in_from("2001:db8:1:3::1", EMAIL, GOOD)).status_code == 200


async def test_an_ipv4_address_counts_as_itself_on_an_ipv6_socket(sign_in_from: SignIn) -> None:
    await _fail(sign_in_from, 10, address=f"::ffff:{HOME}")

    assert (await sign_in_from(HOME, EMAIL, GOOD)).status_code == 429
    assert (await sign_in_from(f"::ffff:{CAFE}", EMAIL, GOOD)).status_code == 200


async def test_a_hundred_failures_from_anywhere_close_an_email_for_all(sign_in_from: SignIn) -> None:
    for network in range(20):
        await _fail(sign_in_from, 5, address=f"198.51.100.{network}")

    assert (await sign_in_from(HOME, EMAIL, GOOD)).status_code == 429


async def test_a_hundred_and_twenty_accounts_from_one_address_are_slowed_after_thirty(
    sign_in_from: SignIn, hasher: Mock
) -> None:
    hasher.reset_mock()
    answers = [await sign_in_from(HOME, f"v{number}@example.test", "Summer2026!") for number in range(120)]

    assert [answer.status_code for answer in answers] == [400] * 30 + [429] * 90
    assert 0 < int(answers[-1].headers["retry-after"]) <= WINDOW.total_seconds()
    assert hasher.verify.call_count == 30
    assert (await sign_in_from(CAFE, EMAIL, GOOD)).status_code == 200


async def test_an_own_account_does_not_clear_the_count_of_the_address(sign_in_from: SignIn) -> None:
    for number in range(30):
        assert (await sign_in_from(HOME, f"v{number}@example.test", BAD)).status_code == 400
        if number % 7 == 0:
            assert (await sign_in_from(HOME, EMAIL, GOOD)).status_code == 200

    assert (await sign_in_from(HOME, EMAIL, GOOD)).status_code == 429


async def test_successes_are_not_counted(sign_in_from: SignIn) -> None:
    answers = await asyncio.gather(*(sign_in_from(HOME, EMAIL, GOOD) for _ in range(30)))

    assert {answer.status_code for answer in answers} == {200}


async def test_a_success_clears_the_count_of_its_address(sign_in_from: SignIn) -> None:
    await _fail(sign_in_from, 9)
    assert (await sign_in_from(HOME, EMAIL, GOOD)).status_code == 200
    await _fail(sign_in_from, 9)

    assert (await sign_in_from(HOME, EMAIL, GOOD)).status_code == 200


async def test_guesses_sent_at_once_are_not_worth_more_than_guesses_in_a_row(
    sign_in_from: SignIn, hasher: Mock
) -> None:
    answers = await asyncio.gather(*(sign_in_from(HOME, EMAIL, BAD) for _ in range(60)))

    # Two hash at a time, so one can be under way when the tenth failure is counted.
    assert 10 <= hasher.verify.call_count <= 11
    assert [answer.status_code for answer in answers].count(429) == 60 - hasher.verify.call_count


async def test_the_wait_ends(sign_in_from: SignIn, database: Database) -> None:
    await _fail(sign_in_from, 10)
    await _let_pass(database, WINDOW - timedelta(seconds=20))
    answer = await sign_in_from(HOME, EMAIL, GOOD)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) <= 20

    await _let_pass(database, timedelta(seconds=20))

    assert (await sign_in_from(HOME, EMAIL, GOOD)).status_code == 200


async def test_stored_failures_are_bounded_and_anonymous(sign_in_from: SignIn, database: Database) -> None:
    await _fail(sign_in_from, 1, email="a" * 200 + "@example.test")

    documents = await database["failed_sign_ins"].find({})
    assert [len(document["_id"]) for document in documents] == [64, 64, 64]
    assert all(set(document) == {"_id", "at", "expires_at"} for document in documents)
    assert all(document["expires_at"] > times.now() for document in documents)


async def test_refused_input_is_no_failure(client: httpx.AsyncClient, database: Database) -> None:
    await client.post("/api/users/signin", json={"email": EMAIL})

    assert await database["failed_sign_ins"].count_documents({}) == 0


async def _let_pass(database: Database, time: timedelta) -> None:
    """Moves all stored failures into the past by `time`."""
    failures = database["failed_sign_ins"]
    for document in await failures.find({}):
        earlier = {
            "at": [moment - time for moment in document["at"]],
            "expires_at": document["expires_at"] - time,
        }
        await failures.update_one({"_id": document["_id"]}, {"$set": earlier})


async def test_each_browser_behind_the_pages_counts_alone(app: FastAPI, hasher: Mock) -> None:
    async def sign_in(token: str, password: str) -> int:
        transport = httpx.ASGITransport(app, client=("10.0.0.1", 50_000))
        async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as pages:
            body, headers = {"email": EMAIL, "password": password}, {HEADER: token}
            return (await pages.post("/api/users/signin", json=body, headers=headers)).status_code

    signer, forger = SignedClientAddress(CLIENT_ADDRESS_KEY), SignedClientAddress("k" * 32)
    assert {await sign_in(signer.token(HOME), BAD) for _ in range(10)} == {400}

    assert await sign_in(signer.token(HOME), GOOD) == 429
    assert await sign_in(signer.token(CAFE), GOOD) == 200
    # A forged header is ignored: the failures count for the address of the connection.
    assert {await sign_in(forger.token(f"192.0.2.{n}"), BAD) for n in range(10)} == {400}
    assert await sign_in(forger.token("192.0.2.99"), GOOD) == 429
    assert hasher.method_calls
