from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from common.testing.servers import server
from expiration import timers
from expiration.timers import Timers
from tests.builders import RedisServer

pytest_plugins = ["common.testing.fixtures"]


@pytest.fixture
async def redis_url() -> AsyncIterator[str]:
    """The Redis that TEST_REDIS_URL names, empty at first."""
    url = server("TEST_REDIS_URL")
    redis = timers.connect(url)
    await redis.flushdb()
    yield url
    await redis.aclose(close_connection_pool=True)


@pytest.fixture
async def real_timers(redis_url: str) -> AsyncIterator[Timers]:
    own = Timers(timers.connect(redis_url))
    yield own
    await own.close()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of the test's own, to kill; not started yet."""
    own = RedisServer(tmp_path)
    yield own
    own.kill()
