"""The balancer in a real Caddy, in front of two processes of one service."""

import asyncio
import os
from asyncio.subprocess import DEVNULL
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from infra.dev import edge
from infra.dev.config import Config, from_env
from infra.verify.rollout import balancer
from infra.verify.rollout.fleet import free_ports

PAIR = ("tickets-1", "tickets-2")
REQUESTS = 10


@pytest.fixture
def config(tmp_path: Path) -> Config:
    env = {"DATA_DIR": str(tmp_path), "PATH": os.environ["PATH"]}
    return replace(from_env(env), ports=free_ports())


async def serve(name: str, port: int) -> web.AppRunner:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=name)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner


@pytest.fixture
async def processes(config: Config) -> AsyncIterator[dict[str, web.AppRunner]]:
    """Both processes, behind the edge."""
    runners = {name: await serve(name, config.ports[name]) for name in PAIR}
    command = balancer.prepare(config, {"tickets": [(name, config.ports[name]) for name in PAIR]})
    caddy = await asyncio.create_subprocess_exec(
        *command, env=edge.own_environment(config), stdout=DEVNULL, stderr=DEVNULL
    )
    try:
        yield runners
    finally:
        caddy.kill()
        await caddy.wait()
        for runner in runners.values():
            await runner.cleanup()


async def answers(config: Config) -> Counter[str]:
    """Names of the processes that answered ten requests, once the edge is up."""
    found = Counter[str]()
    async with asyncio.timeout(20), aiohttp.ClientSession(config.edge_url) as http:
        while found.total() < REQUESTS:
            try:
                async with http.post("/api/tickets", json={}) as response:
                    found[await response.text()] += 1
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.05)
    return found


async def test_both_processes_get_requests(config: Config, processes: dict[str, web.AppRunner]) -> None:
    assert set(processes) == set(await answers(config))


async def test_a_process_that_leaves_gets_no_new_request(
    config: Config, processes: dict[str, web.AppRunner]
) -> None:
    for leaving, staying in (PAIR, PAIR[::-1]):
        mark = balancer.leaving(config) / leaving
        mark.touch()
        assert processes
        assert await answers(config) == {staying: REQUESTS}
        mark.unlink()


async def test_the_other_process_answers_for_one_that_is_down(
    config: Config, processes: dict[str, web.AppRunner]
) -> None:
    await processes["tickets-1"].cleanup()

    assert await answers(config) == {"tickets-2": REQUESTS}
