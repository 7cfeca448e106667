"""A process that stalls in the middle of a hold, and then dies, leaves no ticket held by an ended order.

Each process has its own repositories and listeners on one database; the tests step through them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace

import pytest

from common.base.money import Money
from common.messaging.events import VersionedEvent
from common.persistence.mongo import Database
from common.testing.browser import a_user
from common.testing.fake_stream import FakeStream
from tests.builders import Sale
from tickets import commands
from tickets.domain import Ticket
from tickets.listeners import listeners
from tickets.publishers import publishers
from tickets.repository import OrderProgress, Repositories, TicketRepository

DATABASES = ["database", pytest.param("real_database", marks=pytest.mark.connected)]
Step = Callable[[], Awaitable[object]]
SELLER = a_user()


class Died(Exception):
    """The end of a process."""


class Stalling(TicketRepository):
    """Stalls once at `point` for as long as `meanwhile` takes, and dies after its save."""

    point = ""
    meanwhile: Step

    async def get(self, aggregate_id: str) -> Ticket:
        await self._reached("before the ticket is read")
        ticket = await super().get(aggregate_id)
        await self._reached("after the ticket is read")
        return ticket

    async def save(self, aggregate: Ticket) -> None:
        await self._reached("before the save")
        await super().save(aggregate)
        raise Died

    async def _reached(self, point: str) -> None:
        if point == self.point:
            self.point = ""
            await self.meanwhile()


@pytest.fixture(params=DATABASES)
def either_database(request: pytest.FixtureRequest) -> Database:
    found: Database = request.getfixturevalue(request.param)
    return found


@pytest.fixture
async def process(either_database: Database, stream: FakeStream) -> Repositories:
    """The process that does not stall."""
    process = Repositories.over(either_database, publishers(stream))
    await process.tickets.prepare()
    return process


@pytest.fixture
def stalling(process: Repositories, stream: FakeStream) -> Stalling:
    return Stalling(process.tickets.documents.database, publishers(stream))


async def consumed(process: Repositories, *events: VersionedEvent) -> None:
    for event in events:
        (listener,) = (found for found in listeners(process) if type(event) in found.events)
        await listener.on_message(event)


async def consumed_until_death(process: Repositories, event: VersionedEvent) -> None:
    with suppress(Died):
        await consumed(process, event)


async def an_order(process: Repositories) -> Sale:
    ticket = await commands.offer(process.tickets, SELLER, "Concert", Money(2000))
    return Sale.of({"id": ticket.id})


async def held_by(process: Repositories, order: Sale) -> str | None:
    return (await process.tickets.get(order.ticket_id)).order_id


POINTS: Sequence[str] = ("before the ticket is read", "after the ticket is read", "before the save")


@pytest.mark.parametrize("point", POINTS)
async def test_an_order_that_another_process_held_and_freed_meanwhile_does_not_hold_its_ticket_again(
    process: Repositories, stalling: Stalling, point: str
) -> None:
    order = await an_order(process)
    stalling.point = point
    stalling.meanwhile = lambda: consumed(process, order.created(), order.cancelled())

    await consumed_until_death(replace(process, tickets=stalling), order.created())

    assert await held_by(process, order) is None
    await process.tickets.relay.drained()


class StallingProgress(OrderProgress):
    """Stalls before it stores an order's end."""

    meanwhile: Step

    async def end(self, order_id: str, version: int) -> None:
        await self.meanwhile()
        await super().end(order_id, version)


async def test_an_order_that_ended_unheld_while_another_process_was_about_to_hold_does_not_hold_its_ticket(
    process: Repositories, stalling: Stalling
) -> None:
    order = await an_order(process)
    first = Sale.of({"id": order.ticket_id})
    await consumed(process, first.created())
    about_to_save, goes_on = asyncio.Event(), asyncio.Event()
    tasks = []

    async def stall() -> None:
        about_to_save.set()
        await goes_on.wait()

    async def freed_and_about_to_be_held() -> None:
        await consumed(process, first.cancelled())
        tasks.append(
            asyncio.create_task(consumed_until_death(replace(process, tickets=stalling), order.created()))
        )
        await about_to_save.wait()

    stalling.point, stalling.meanwhile = "before the save", stall
    ending = StallingProgress(process.tickets.documents.database)
    ending.meanwhile = freed_and_about_to_be_held

    # The cancellation overtakes the creation while the ticket is the first order's.
    await asyncio.wait_for(consumed(replace(process, orders=ending), order.cancelled()), 5)
    # The creation is delivered again, and acknowledged for both.
    await consumed(process, order.created())
    goes_on.set()
    await asyncio.wait_for(tasks[0], 5)

    assert await held_by(process, order) is None
    await process.tickets.relay.drained()


async def test_an_order_that_ends_unheld_while_its_ticket_is_another_s_changes_no_ticket(
    process: Repositories,
) -> None:
    order = await an_order(process)
    first = Sale.of({"id": order.ticket_id})
    await consumed(process, first.created())

    await consumed(process, order.cancelled(), order.created())

    ticket = await process.tickets.get(order.ticket_id)
    assert (ticket.order_id, ticket.version) == (first.id, 1)
    await process.tickets.relay.drained()
