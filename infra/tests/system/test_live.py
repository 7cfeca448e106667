"""Events that an open page receives, through the edge, on real servers."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest

from infra.actors.person import Person
from infra.verify.load.watcher import Watcher, watching_session
from infra.verify.target import Target

pytestmark = pytest.mark.connected

PATIENCE = 20.0


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with watching_session() as session:
        yield session


def watcher(
    session: aiohttp.ClientSession, target: Target, ticket: str, who: Person | None = None
) -> Watcher:
    return Watcher(session, target.edge, ticket, {} if who is None else who.headers)


async def test_a_page_receives_that_its_ticket_is_held_and_then_sold(
    target: Target, session: aiohttp.ClientSession, seller: Person, buyer: Person
) -> None:
    ticket = await seller.sell(20)
    async with watcher(session, target, ticket) as others, watcher(session, target, ticket, buyer) as own:
        assert await others.received(0, PATIENCE)
        assert await own.received(0, PATIENCE)
        order = await buyer.buy(ticket)
        for each in (others, own):
            assert await each.received(1, PATIENCE)
        assert (await buyer.pay(order))[0] == 201
        for each in (others, own):
            assert await each.received(2, PATIENCE)

    assert "Purchase" in others.texts[0]
    assert "Purchase" not in others.texts[1]
    assert order not in others.texts[1] + others.texts[2]
    assert f"/orders/{order}" in own.texts[1]
    assert "sold" in others.texts[2].lower()


async def test_a_page_receives_the_end_of_a_hold(
    target: Target, session: aiohttp.ClientSession, seller: Person, buyer: Person
) -> None:
    ticket = await seller.sell(20)
    async with watcher(session, target, ticket) as page:
        assert await page.received(0, PATIENCE)
        await buyer.buy(ticket)
        assert await page.received(1, PATIENCE)

        assert await page.received(2, PATIENCE)

    assert "Purchase" in page.texts[2]


async def test_a_browser_that_left_is_forgotten(
    target: Target, session: aiohttp.ClientSession, seller: Person
) -> None:
    ticket = await seller.sell(20)
    async with watcher(session, target, ticket) as page:
        assert await page.received(0, PATIENCE)
        assert await open_pages(session, target) > 0

    async with asyncio.timeout(PATIENCE):
        while await open_pages(session, target):
            await asyncio.sleep(0.05)


async def test_changes_during_an_outage_of_the_broker_arrive_when_it_is_back(
    target: Target, session: aiohttp.ClientSession, seller: Person
) -> None:
    ticket = await seller.sell(20)
    async with watcher(session, target, ticket) as page:
        assert await page.received(0, PATIENCE)
        await end(target, "nats", signal.SIGKILL)
        status, _ = await seller.call("PUT", f"/api/tickets/{ticket}", {"title": "Seat", "price": "31.50"})
        assert status == 200

        assert await page.received(1, PATIENCE)

    assert "31.50" in page.texts[1]


async def test_a_process_that_stops_ends_its_open_pages_at_once(
    target: Target, session: aiohttp.ClientSession, seller: Person
) -> None:
    ticket = await seller.sell(20)
    async with watcher(session, target, ticket) as page:
        assert await page.received(0, PATIENCE)
        asked = time.monotonic()
        await end(target, "client", signal.SIGTERM)
        with pytest.raises(ConnectionError, match="has ended"):
            await page.received(1, PATIENCE)
        assert time.monotonic() - asked < 5

    async with asyncio.timeout(PATIENCE):
        while not await shows(session, target, ticket):
            await asyncio.sleep(0.1)
    async with watcher(session, target, ticket) as again:
        assert await again.received(0, PATIENCE)


async def end(target: Target, process: str, how: signal.Signals) -> None:
    """Send the signal to the process; the runner of the system restarts it."""
    pid = target.pid(process)
    assert pid is not None
    os.kill(pid, how)


async def shows(session: aiohttp.ClientSession, target: Target, ticket: str) -> bool:
    async with session.get(f"{target.edge}/tickets/{ticket}") as response:
        return response.status == 200


async def open_pages(session: aiohttp.ClientSession, target: Target) -> float:
    async with session.get(f"{target.url('client')}/metrics") as response:
        (line,) = [line for line in (await response.text()).splitlines() if line.startswith("live_pages ")]
        return float(line.split()[1])
