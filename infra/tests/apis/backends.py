"""The APIs that client calls: the services themselves, and the fake of client's tests."""

import importlib.util
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
from argon2 import PasswordHasher
from fastapi import FastAPI

import auth.app
import auth.settings
import orders.app
import orders.settings
import payments.app
import payments.settings
import tickets.app
import tickets.settings
from common.testing.browser import BASE_URL, CLIENT_ADDRESS_KEY, JWT_KEY, JWT_PUBLIC_KEYS, running
from common.testing.fake_stream import FakeStream
from common.testing.memory import memory_database

FAKE = Path(__file__).parents[3] / "client/tests/fake_apis"


def fake_apis() -> httpx.AsyncBaseTransport:
    """client's fake, loaded from its folder: each suite calls its own modules `tests`."""
    spec = importlib.util.spec_from_file_location(
        "client_fake_apis", FAKE / "__init__.py", submodule_search_locations=[str(FAKE)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # The package's relative imports look for it there.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    fake: httpx.AsyncBaseTransport = module.FakeApis()
    return fake


class _Edge(httpx.AsyncBaseTransport):
    """Routes requests to the services by path, as the edge does."""

    def __init__(self, routes: dict[str, FastAPI]) -> None:
        self._routes = {path: httpx.ASGITransport(app) for path, app in routes.items()}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        service = next(self._routes[path] for path in self._routes if request.url.path.startswith(path))
        return await service.handle_async_request(request)


@asynccontextmanager
async def real_apis() -> AsyncIterator[httpx.AsyncBaseTransport]:
    """The four services in this process, each with a database in memory, over one stream in memory."""
    routes = services(FakeStream())
    async with AsyncExitStack() as stack:
        for app in routes.values():
            await stack.enter_async_context(running(app))
        yield _Edge(routes)


def services(stream: FakeStream, *, secure: bool = False) -> dict[str, FastAPI]:
    """secure: Browsers reach them by https."""
    users = {
        "jwt_key": JWT_KEY,
        "client_address_key": CLIENT_ADDRESS_KEY,
        "device_key": "d" * 32,
        "public_url": BASE_URL,
        "mail_url": "smtp://127.0.0.1:1",
        "mail_from": "tickets@gittix.test",
        "cookie_secure": secure,
        "mongo_uri": "mongodb://unused",
        "require_confirmed_email": False,
        "nats_url": "nats://unused",
    }
    broker = {
        "jwt_public_keys": JWT_PUBLIC_KEYS,
        "cookie_secure": secure,
        "mongo_uri": "mongodb://unused",
        "nats_url": "nats://unused",
    }
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return {
        "/api/users": auth.app.create_app(
            auth.settings.Settings.model_validate(users),
            database=memory_database(),
            stream=stream,
            hasher=cheap,
        ),
        "/api/tickets": tickets.app.create_app(
            tickets.settings.Settings.model_validate({**broker, **FILES}),
            database=memory_database(),
            stream=stream,
        ),
        "/api/orders": orders.app.create_app(
            orders.settings.Settings.model_validate({**broker, "receipt_keys": "r" * 32}),
            database=memory_database(),
            stream=stream,
        ),
        "/api/payments": payments.app.create_app(
            payments.settings.Settings.model_validate({**broker, "payment_gateway": "fake"}),
            database=memory_database(),
            stream=stream,
        ),
    }


FILES = {"files_url": "memory:///", "files_key": "f" * 32, "barcode_key": "b" * 32}


class Recorder(httpx.AsyncBaseTransport):
    """Passes requests on, and records their responses."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport
        self.responses: list[httpx.Response] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._transport.handle_async_request(request)
        await response.aread()
        self.responses.append(response)
        return response

    @property
    def last(self) -> httpx.Response:
        return self.responses[-1]
