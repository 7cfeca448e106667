from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from common.base.identity import CurrentUser
from common.persistence.mongo import Database
from common.testing.browser import a_user, running
from common.testing.fake_stream import FakeStream
from tests.builders import Shop, an_app

pytest_plugins = ["common.testing.fixtures"]


@pytest.fixture
def app(database: Database, stream: FakeStream) -> FastAPI:
    return an_app(database, stream)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with running(app) as client:
        yield client


@pytest.fixture
def buyer() -> CurrentUser:
    return a_user()


@pytest.fixture
def shop(client: httpx.AsyncClient, stream: FakeStream, database: Database, buyer: CurrentUser) -> Shop:
    return Shop(client, stream, database, buyer)
