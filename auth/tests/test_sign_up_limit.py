"""Sign-ups of an address in an hour: twenty, over all processes, counted before any password is hashed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from unittest.mock import Mock

import httpx
import pytest
from fastapi import FastAPI

from auth.app import create_app
from auth.errors import Busy
from auth.settings import Settings
from common.base import times
from common.persistence.mongo import Database
from common.testing.answers import code_of
from common.testing.browser import BASE_URL, running
from common.testing.fake_stream import FakeStream

HOME, CAFE = "192.0.2.1", "192.0.2.2"
GOOD = "correct horse"

SignUp = Callable[..., Awaitable[httpx.Response]]


def _signing_up(app: FastAPI) -> SignUp:
    async def sign_up(
        number: int, address: str = HOME, key: str = "", password: str = GOOD
    ) -> httpx.Response:
        transport = httpx.ASGITransport(app, client=(address, 50_000))
        async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
            body = {"email": f"{number}@example.test", "password": password}
            headers = {"Idempotency-Key": key} if key else {}
            return await client.post("/api/users/signup", json=body, headers=headers)

    return sign_up


@pytest.fixture
async def sign_up(app: FastAPI) -> AsyncIterator[SignUp]:
    async with running(app):
        yield _signing_up(app)


async def _fill(sign_up: SignUp, count: int = 20, address: str = HOME) -> None:
    assert {(await sign_up(number, address)).status_code for number in range(count)} == {201}


async def test_after_twenty_sign_ups_an_address_waits_and_nothing_is_hashed(
    sign_up: SignUp, hasher: Mock
) -> None:
    await _fill(sign_up)
    hasher.reset_mock()

    answer = await sign_up(20)

    assert code_of(answer, 429) == "too-many-sign-ups"
    assert 3500 < int(answer.headers["retry-after"]) <= 3600
    assert not hasher.method_calls
    assert (await sign_up(20, CAFE)).status_code == 201


async def test_the_wait_ends(sign_up: SignUp, monkeypatch: pytest.MonkeyPatch) -> None:
    await _fill(sign_up)
    now = times.now()
    monkeypatch.setattr(times, "now", lambda: now + timedelta(hours=1))

    assert (await sign_up(20)).status_code == 201


async def test_a_network_of_ipv6_addresses_counts_as_one(sign_up: SignUp) -> None:
    for number in range(20):
        assert (await sign_up(number, f"2001:db8:1:2::{number}")).status_code == 201

    assert (await sign_up(20, "2001:db8:1:2:ffff::1")).status_code == 429
    assert (await sign_up(20, "2001:db8:1:3::1")).status_code == 201


async def test_a_sign_up_that_is_sent_again_is_not_counted_and_is_answered_even_at_the_limit(
    sign_up: SignUp,
) -> None:
    first = await sign_up(0, key="form")
    await _fill_from(sign_up, 1, 18)
    assert (await sign_up(0, key="form")).json() == first.json()
    assert (await sign_up(19)).status_code == 201

    assert (await sign_up(20)).status_code == 429
    assert (await sign_up(0, key="form")).status_code == 201


async def _fill_from(sign_up: SignUp, first: int, count: int) -> None:
    assert {(await sign_up(first + number)).status_code for number in range(count)} == {201}


async def test_a_sign_up_of_a_taken_email_counts(sign_up: SignUp) -> None:
    await sign_up(0)
    for _ in range(19):
        assert code_of(await sign_up(0), 400) == "email-in-use"

    assert (await sign_up(1)).status_code == 429


async def test_refused_input_does_not_count(sign_up: SignUp, database: Database) -> None:
    await sign_up(0, password="short")

    assert await database["sign_ups"].count_documents({}) == 0


async def test_a_sign_up_that_found_no_place_to_hash_does_not_count(
    sign_up: SignUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("auth.fair_line.FairLine.join", Mock(side_effect=Busy()))
        for number in range(30):
            assert code_of(await sign_up(number), 503) == "sign-in-busy"

    await _fill(sign_up)


async def test_a_limit_of_zero_is_none(settings: Settings, database: Database, hasher: Mock) -> None:
    unlimited = settings.model_copy(update={"sign_ups_per_hour": 0})

    await _fill(_signing_up(create_app(unlimited, stream=FakeStream(), database=database, hasher=hasher)), 25)


@pytest.fixture
async def replicas(settings: Settings, real_database: Database, hasher: Mock) -> AsyncIterator[list[SignUp]]:
    async with AsyncExitStack() as stack:
        apps = [
            create_app(settings, stream=FakeStream(), database=real_database, hasher=hasher) for _ in range(2)
        ]
        for app in apps:
            await stack.enter_async_context(running(app))
        yield [_signing_up(app) for app in apps]


@pytest.mark.connected
async def test_of_sixty_sign_ups_at_once_at_two_processes_twenty_succeed(replicas: list[SignUp]) -> None:
    answers = await asyncio.gather(*(replicas[number % 2](number) for number in range(60)))

    assert sorted({answer.status_code for answer in answers}) == [201, 429]
    assert [answer.status_code for answer in answers].count(201) == 20
