"""The service as a process of its own."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from tests.edge import edge
from tests.fake_apis import FakeApis, Ticket

from common.base.money import Money
from common.testing.browser import CLIENT_ADDRESS_KEY, JWT_PUBLIC_KEYS, a_user, signed_in

pytestmark = pytest.mark.sockets


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def started(apis_url: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, httpx.AsyncClient]]:
    """`python -m client` without a broker, and a client of its pages."""
    url = f"http://127.0.0.1:{a_free_port()}"
    settings = {
        "API_BASE_URL": apis_url,
        "PUBLIC_URL": url,
        "NATS_URL": "nats://127.0.0.1:1",
        "JWT_PUBLIC_KEYS": JWT_PUBLIC_KEYS,
        "CLIENT_ADDRESS_KEY": CLIENT_ADDRESS_KEY,
        "COOKIE_SECURE": "false",
        "HOST": "127.0.0.1",
        "PORT": url.rpartition(":")[2],
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "client"),
        env={"PATH": os.environ["PATH"], **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(60), httpx.AsyncClient(base_url=url, timeout=60) as browser:
            while not await _is_up(browser):
                await asyncio.sleep(0.02)
            yield process, browser
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _is_up(browser: httpx.AsyncClient) -> bool:
    try:
        return (await browser.get("/healthz")).is_success
    except httpx.TransportError:
        return False


async def test_a_stop_ends_open_live_pages_in_order(apis: FakeApis) -> None:
    """A page that is cut off, once the grace of the stop is over, has no end of its stream: an error here."""
    ticket = apis.sell()
    async with edge(apis) as running_edge, started(running_edge.url) as (process, browser):
        async with browser.stream("GET", f"/tickets/{ticket.id}/live") as page:
            lines = page.aiter_lines()
            while not (await anext(lines)).startswith("event: state"):
                continue
            process.send_signal(signal.SIGTERM)

            async for _ in lines:
                continue
        _, errors = await process.communicate()

    assert process.returncode == 0, errors.decode()


async def test_a_download_that_fails_midway_ends_without_the_end_of_its_answer() -> None:
    apis, user = FakeApis(), a_user()
    for _ in range(2):
        ticket = Ticket(title="Concert", price=Money(2000), user_id=user.id)
        apis.tickets[ticket.id] = ticket
    apis.refuses_later_pages = True

    async with edge(apis) as running, started(running.url) as (_, browser):
        with pytest.raises(httpx.RemoteProtocolError):
            await browser.get("/account/data", headers=signed_in(user))
        apis.refuses_later_pages = False
        whole = await browser.get("/account/data", headers=signed_in(user))

    assert len(whole.json()["listings"]) == 2
