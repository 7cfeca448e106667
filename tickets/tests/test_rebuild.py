"""What the orders have on their tickets is made good from the stream; what is right is left alone."""

from typing import Any

import pytest

from common.base.ids import new_id
from common.base.money import Money
from common.persistence.mongo import ASCENDING, Database
from common.testing.events import deliver, emitted_by
from common.testing.fake_stream import FakeStream
from tests.builders import Market, Sale
from tickets import commands
from tickets.rebuild import rebuild
from tickets.repository import TicketRepository

Progress = dict[str, Any]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.persistence.rebuild.DOUBT_SECONDS", 0.001)


async def progress(database: Database) -> Progress:
    return {document["_id"]: document["version"] for document in await noted(database)}


async def noted(database: Database) -> list[Progress]:
    """All that is noted of the orders."""
    return await database["orders"].find({}, sort=[("_id", ASCENDING)])


async def state(database: Database, ticket: dict[str, str]) -> tuple[str | None, bool, int]:
    """Who has it, whether it is sold, and its version."""
    found = await database["tickets"].find_one({"_id": ticket["id"]})
    assert found is not None
    return found.get("order_id"), found["sold"], found["version"]


async def forget(database: Database, ticket: dict[str, str], **fields: object) -> None:
    """As if an effect had never taken place."""
    await database["tickets"].update_one({"_id": ticket["id"]}, {"$set": fields})


async def test_progress_that_was_lost_is_there_again_and_no_ticket_changes(
    market: Market, stream: FakeStream, database: Database
) -> None:
    held, first = await market.a_held_ticket()
    sold, second = await market.a_sold_ticket()
    freed, third = await market.a_held_ticket()
    await deliver(stream, first.updated(), third.cancelled())
    again = Sale.of(freed)
    await deliver(stream, again.created())
    before, all_before = await progress(database), await noted(database)
    states = [await state(database, ticket) for ticket in (held, sold, freed)]
    published = len(stream.messages)
    await database["orders"].delete_many({})

    report = await rebuild(stream, database)

    assert await noted(database) == all_before
    assert before == {first.id: 1, second.id: 1, third.id: 1, again.id: 0}
    assert [await state(database, ticket) for ticket in (held, sold, freed)] == states
    assert len(stream.messages) == published
    assert report.mended == {"missing": 4}


async def test_a_hold_that_is_missing_is_made_good_with_its_event(
    market: Market, stream: FakeStream, database: Database
) -> None:
    ticket, order = await market.a_held_ticket()
    await forget(database, ticket, order_id=None)
    await database["orders"].delete_many({})

    report = await rebuild(stream, database)

    assert await state(database, ticket) == (order.id, False, 2)
    assert await progress(database) == {order.id: 0}
    assert len(stream.of("ticket.updated")) == 2
    assert report.mended == {"effects made good": 1, "missing": 1}


async def test_a_release_that_is_missing_is_made_good(
    market: Market, stream: FakeStream, database: Database
) -> None:
    ticket, order = await market.a_held_ticket()
    await deliver(stream, order.cancelled())
    await forget(database, ticket, order_id=order.id)

    await rebuild(stream, database)

    assert (await state(database, ticket))[0] is None
    assert await progress(database) == {order.id: 1}


@pytest.mark.parametrize("held", [True, False])
async def test_a_sale_that_is_missing_is_made_good(
    market: Market, stream: FakeStream, database: Database, held: bool
) -> None:
    ticket, order = await market.a_sold_ticket()
    await forget(database, ticket, sold=False, order_id=order.id if held else None)
    await database["orders"].update_one({"_id": order.id}, {"$set": {"version": 0}})

    await rebuild(stream, database)

    assert (await state(database, ticket))[:2] == (order.id, True)
    assert await progress(database) == {order.id: 1}


async def test_an_order_of_long_ago_does_not_touch_the_ticket_of_its_successor(
    market: Market, stream: FakeStream, database: Database
) -> None:
    ticket, order = await market.a_held_ticket()
    await deliver(stream, order.cancelled())
    successor = Sale.of(ticket)
    await deliver(stream, successor.created(), successor.completed())
    before = await state(database, ticket)
    await database["orders"].delete_many({})

    await rebuild(stream, database)

    assert await state(database, ticket) == before


async def test_a_release_and_the_next_hold_that_are_both_missing_are_made_good(
    market: Market, stream: FakeStream, database: Database
) -> None:
    ticket, order = await market.a_held_ticket()
    await deliver(stream, order.cancelled())
    successor = Sale.of(ticket)
    await deliver(stream, successor.created())
    await forget(database, ticket, order_id=order.id)
    await database["orders"].delete_many({})

    await rebuild(stream, database)

    assert (await state(database, ticket))[0] == successor.id
    assert await progress(database) == {order.id: 1, successor.id: 0}


async def test_a_ticket_that_another_order_has_is_left_alone_and_told(
    market: Market, stream: FakeStream, database: Database
) -> None:
    ticket, order = await market.a_held_ticket()
    another = new_id()
    await forget(database, ticket, order_id=another)
    await database["orders"].delete_many({})

    report = await rebuild(stream, database)

    assert (await state(database, ticket))[0] == another
    assert await progress(database) == {}
    assert report.mended == {"blocked": 1}
    assert order.id not in await progress(database)


async def test_a_cancellation_that_comes_just_as_the_hold_is_made_good_is_not_undone(
    market: Market, stream: FakeStream, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket, order = await market.a_held_ticket()
    await forget(database, ticket, order_id=None)
    await database["orders"].delete_many({})
    hold = commands.hold

    async def overtaken(
        tickets: TicketRepository, ticket_id: str, order_id: str, price: Money, *, buyer_id: str
    ) -> None:
        await hold(tickets, ticket_id, order_id, price, buyer_id=buyer_id)
        monkeypatch.setattr(commands, "hold", hold)
        await stream.publish(f"order.cancelled.{order.id}", order.cancelled().to_json(), emitted_by("orders"))

    monkeypatch.setattr(commands, "hold", overtaken)
    await rebuild(stream, database)
    await stream.settled()

    assert (await state(database, ticket))[0] is None
    assert await progress(database) == {order.id: 1}
