"""Pods start in any order: a service waits for servers that are down, and reports that in its status."""

import asyncio
import io
import os
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from infra.dev import broker, environment
from infra.dev.config import Config, from_env
from infra.dev.keys import generated
from infra.dev.output import Output
from infra.dev.ports import free_edge
from infra.dev.process import Supervised
from infra.dev.testing import running_servers

pytestmark = pytest.mark.connected


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return from_env(dict(os.environ) | {"DATA_DIR": str(tmp_path), "EDGE_PORT": str(free_edge())})


@pytest.fixture(params=["auth", "tickets", "orders", "payments", "expiration"])
async def service(request: pytest.FixtureRequest, config: Config) -> AsyncIterator[str]:
    """Address of a service that was started before all of its dependencies."""
    name: str = request.param
    env = dict(environment.services(config, generated())[name])
    process = Supervised(name, [sys.executable, "-m", name], env, Output([name], io.StringIO()), lambda: None)
    await process.start()
    yield f"http://127.0.0.1:{config.ports[name]}"
    await process.stop()


async def status(url: str) -> tuple[int, str]:
    """Status and body of the answer; (0, "") while the port is closed."""
    with suppress(aiohttp.ClientError):
        async with aiohttp.request("GET", url) as response:
            return response.status, await response.text()
    return 0, ""


async def until_status(url: str, wanted: int, seconds: float) -> str:
    async with asyncio.timeout(seconds):
        while (answer := await status(url))[0] != wanted:
            await asyncio.sleep(0.05)
    return answer[1]


async def test_a_service_that_starts_before_its_servers_comes_up_when_they_do(
    service: str, config: Config
) -> None:
    await until_status(f"{service}/healthz", 200, 20)
    assert "is not ready" in await until_status(f"{service}/readyz", 503, 10)

    async with running_servers(config):
        # Nor does it work on undeclared streams.
        assert "is not ready" in await until_status(f"{service}/readyz", 503, 10)
        await broker.declare(config, None)
        await until_status(f"{service}/readyz", 200, 20)

    assert "is not ready" in await until_status(f"{service}/readyz", 503, 20)
