import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TypeAlias

import httpx
import pytest
from fastapi import FastAPI
from tests.fake_apis import FakeApis
from tests.virtual_clock import VirtualClockLoop

from client.app import create_app
from client.settings import Settings
from common.base.identity import CurrentUser
from common.testing.browser import BASE_URL, CLIENT_ADDRESS_KEY, JWT_PUBLIC_KEYS, running, signed_in
from common.testing.fake_hints import FakeHints
from common.testing.fake_stream import FakeStream

pytest_plugins = ["common.testing.fixtures"]

SETTINGS = Settings(
    api_base_url="http://edge.test",
    public_url=BASE_URL,
    jwt_public_keys=JWT_PUBLIC_KEYS,
    client_address_key=CLIENT_ADDRESS_KEY,
    cookie_secure=False,
    nats_url="nats://nats.test:4222",
)

Browser: TypeAlias = httpx.AsyncClient
As: TypeAlias = Callable[[CurrentUser], Browser]


def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Runs tests on a virtual clock, except for those with the mark `sockets`."""
    if item.get_closest_marker("sockets") is None:
        return {"virtual": VirtualClockLoop}
    return {"real": asyncio.new_event_loop}


@pytest.fixture
def apis() -> FakeApis:
    return FakeApis()


@pytest.fixture
def hints(stream: FakeStream) -> FakeHints:
    return FakeHints(stream)


@pytest.fixture
def app(apis: FakeApis, hints: FakeHints, stream: FakeStream) -> FastAPI:
    return create_app(SETTINGS, transport=apis, hints=hints, stream=stream)


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[Browser]:
    """A browser without a session. It stores cookies, but follows no redirects."""
    async with running(app) as client:
        yield client


@pytest.fixture
def as_user(browser: Browser) -> As:
    """Signs the browser in as a user, and returns it."""

    def sign_in(user: CurrentUser) -> Browser:
        browser.headers.update(signed_in(user))
        return browser

    return sign_in
