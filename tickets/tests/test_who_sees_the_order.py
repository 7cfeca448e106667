"""Only the seller of a ticket and its order's buyer see which order has it."""

import pytest

from common.base.identity import CurrentUser
from common.persistence.mongo import Database
from common.testing.browser import a_user, signed_in
from common.testing.events import deliver
from common.testing.fake_stream import FakeStream
from tests.builders import Market, Sale
from tickets import commands
from tickets.publishers import publishers
from tickets.repository import TicketRepository

STRANGERS = [None, a_user()]


@pytest.mark.parametrize("stranger", STRANGERS, ids=["a guest", "a stranger"])
async def test_a_stranger_is_told_the_status_alone(market: Market, stranger: CurrentUser | None) -> None:
    ticket, order = await market.a_held_ticket()
    for status in ("held", "sold"):
        seen = await market.seen_by(stranger, ticket)

        assert (seen["status"], seen["orderId"]) == (status, None)
        for party in (market.seller, order.buyer):
            assert (await market.seen_by(party, ticket))["orderId"] == order.id
        await deliver(market.stream, order.completed())


async def test_the_buyer_of_an_ended_order_is_a_stranger_again(market: Market, stream: FakeStream) -> None:
    ticket, first = await market.a_held_ticket()
    await deliver(stream, first.cancelled())
    second = Sale.of(ticket)
    await deliver(stream, second.created())

    assert (await market.seen_by(first.buyer, ticket))["orderId"] is None
    assert (await market.seen_by(second.buyer, ticket))["orderId"] == second.id


async def test_a_sellers_own_listings_name_the_order(market: Market) -> None:
    _, order = await market.a_held_ticket()

    response = await market.client.get("/api/tickets?seller=me", headers=signed_in(market.seller))

    assert [ticket["orderId"] for ticket in response.json()] == [order.id]


async def test_a_buyer_that_the_last_release_left_behind_is_not_the_next_orders(
    market: Market, database: Database, stream: FakeStream
) -> None:
    """It frees and holds a ticket without the field."""
    ticket, first = await market.a_held_ticket()
    second = Sale.of(ticket)
    await database["tickets"].update_one({"_id": ticket["id"]}, {"$set": {"order_id": second.id}})

    assert (await market.seen_by(first.buyer, ticket))["orderId"] is None
    tickets = TicketRepository(database, publishers(stream))
    await commands.release(tickets, ticket["id"], second.id)
    await commands.hold(tickets, ticket["id"], first.id, (await tickets.get(ticket["id"])).price)
    assert (await market.seen_by(first.buyer, ticket))["orderId"] is None
