"""Fixtures: an auth service in this process, with a database in memory and cheap hashes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from unittest.mock import Mock

import httpx
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from tests.mail_server import FakeMailServer

from auth import reset_requests
from auth.app import create_app
from auth.settings import Settings
from common.persistence.mongo import Database
from common.testing.browser import BASE_URL, CLIENT_ADDRESS_KEY, JWT_KEY, running
from common.testing.fake_stream import FakeStream

pytest_plugins = ["common.testing.fixtures", "tests.accounts"]

DEVICE_KEY = "a key for devices in tests, of more than thirty-two bytes"

SignIn = Callable[[str, str, str], Awaitable[httpx.Response]]


@pytest.fixture
def hasher() -> Mock:
    """Spy that counts the calls to argon2, which runs at its lowest cost."""
    return Mock(wraps=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture(autouse=True)
def no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests for a link are worked off at once."""
    monkeypatch.setattr(reset_requests, "MOST_DELAY", timedelta(0))


@pytest.fixture
def settings() -> Settings:
    return Settings(
        mongo_uri="mongodb://unused.test/",
        jwt_key=JWT_KEY,
        client_address_key=CLIENT_ADDRESS_KEY,
        device_key=DEVICE_KEY,
        public_url=BASE_URL,
        # Nothing listens there: mails wait in the outbox.
        mail_url="smtp://127.0.0.1:1",
        mail_from="tickets@gittix.test",
        cookie_secure=False,
        nats_url="nats://unused.test",
    )


@pytest.fixture
def app(settings: Settings, database: Database, stream: FakeStream, hasher: Mock) -> FastAPI:
    app = create_app(settings, database=database, stream=stream, hasher=hasher)
    hasher.reset_mock()
    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with running(app) as client:
        yield client


@pytest.fixture
def sign_in_from(app: FastAPI) -> SignIn:
    """Function that signs in from a network address, with an e-mail and a password."""

    async def sign_in(address: str, email: str, password: str) -> httpx.Response:
        transport = httpx.ASGITransport(app, client=(address, 50_000))
        async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
            return await client.post("/api/users/signin", json={"email": email, "password": password})

    return sign_in


@pytest.fixture
async def mail_server() -> AsyncIterator[FakeMailServer]:
    server = FakeMailServer()
    await server.start()
    yield server
    await server.stop()
