"""Tickets of a restored database are as their events, and those of their orders, say."""

import asyncio
from typing import Any

import pytest

from common.persistence.mongo import ASCENDING, Database
from common.testing.events import deliver
from common.testing.fake_stream import FakeStream
from tests.builders import Market
from tickets.restored import restored

Documents = list[dict[str, Any]]
DETAILS = {"eventDate": "2031-05-31", "venue": "Hall", "seat": "12"}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.persistence.rebuild.DOUBT_SECONDS", 0.001)


async def copy(database: Database, name: str) -> Documents:
    return await database[name].find({}, sort=[("_id", ASCENDING)])


async def replace(database: Database, **collections: Documents) -> None:
    for name, documents in collections.items():
        await database[name].delete_many({})
        if documents:
            await database[name].insert_many(documents)


async def test_tickets_in_every_state_are_as_they_were(
    market: Market, stream: FakeStream, database: Database
) -> None:
    edited, withdrawn, relisted = [await market.a_ticket() for _ in range(3)]
    await market.delete(relisted)
    held, first = await market.a_held_ticket()
    tickets, orders = await copy(database, "tickets"), await copy(database, "orders")
    await market.put(edited, {"title": "Opera", "price": "19.99", **DETAILS})
    await market.delete(withdrawn)
    await market.relist(relisted)
    await market.a_sold_ticket()
    await market.a_held_ticket()
    freed, third = await market.a_held_ticket()
    await deliver(stream, first.completed(), third.cancelled())
    await settled(database)
    expected = await copy(database, "tickets"), await copy(database, "orders")
    known = {ticket["_id"] for ticket in tickets if "slot" in ticket}
    for document in expected[0]:
        if document["_id"] not in known:
            # A listing that is put back counts no more against its seller's limit.
            document.pop("slot", None)
    published = len(stream.messages)
    await replace(database, tickets=tickets, orders=orders)

    text = await restored(stream, database)

    assert (await copy(database, "tickets"), await copy(database, "orders")) == expected
    assert len(stream.messages) == published
    assert "4 brought to their last published version, 3 put back" in text
    assert (await market.shown(held))["status"] == "sold"
    assert (await market.shown(freed))["status"] == "available"


async def test_an_order_that_the_lost_database_had_not_followed_takes_effect(
    market: Market, stream: FakeStream, database: Database
) -> None:
    ticket, order = await market.a_held_ticket()
    await settled(database)
    tickets, orders = await copy(database, "tickets"), await copy(database, "orders")
    await deliver(stream, order.cancelled())
    await settled(database)
    # The event of the release was in the outbox of the lost database.
    released = f"ticket.updated:{ticket['id']}:2"
    stream.messages = [m for m in stream.messages if m.headers["ce-id"] != released]
    stream._ids.clear()
    await replace(database, tickets=tickets, orders=orders)

    await restored(stream, database)

    shown = await market.shown(ticket)
    assert (shown["status"], shown["version"]) == ("available", 2)
    assert stream.messages[-1].headers["ce-id"] == released


async def settled(database: Database) -> None:
    """Returns once no event waits in an outbox."""
    while await database["tickets"].count_documents({"outbox.0": {"$exists": True}}):
        await asyncio.sleep(0.005)
