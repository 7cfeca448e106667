"""The whole system, through its edge: `make test` starts it with a hold of five seconds."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from infra.actors.api import Api
from infra.actors.person import Person
from infra.verify import target as targets
from infra.verify.target import Target


@pytest.fixture
def target() -> Target:
    return targets.find("infra.tests")


@pytest.fixture
async def api(target: Target) -> AsyncIterator[Api]:
    async with Api(target.edge, connections=100) as api:
        yield api


@pytest.fixture
def sign_up(api: Api) -> Callable[[], Awaitable[Person]]:
    return lambda: Person.sign_up(api)


@pytest.fixture
async def seller(sign_up: Callable[[], Awaitable[Person]]) -> Person:
    return await sign_up()


@pytest.fixture
async def buyer(sign_up: Callable[[], Awaitable[Person]]) -> Person:
    return await sign_up()
