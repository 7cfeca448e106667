"""Orders, over the orders service and over client's fake of it."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.apis.shop import Shop

from common.base import times
from common.base.ids import is_id, new_id
from common.testing.browser import a_user

HOLD = timedelta(minutes=15)
OWN_TICKET = ("own-ticket", "You can't buy your own ticket", None)
PRICE_CHANGED = ("price-changed", "The price has changed, please look again", "price")
RESERVED = ("ticket-reserved", "Ticket is already reserved", None)
TOO_MANY_OPEN = (
    "open-orders-limit",
    "You hold too many unpaid tickets: pay for one, or cancel one, then order again",
    None,
)
COMPLETE = ("order-complete", "Cannot cancel a completed order", None)
NO_TICKET = ("ticket-id-required", "TicketId must be provided", "ticketId")
NO_PRICE = ("price-invalid", "Price must be a number, such as 20.50", "price")


async def test_a_new_order_holds_its_ticket_for_15_minutes(shop: Shop) -> None:
    ticket = await shop.lists("Opera", "20.50", eventDate="2087-05-31", venue="Globe", seat="A 7")
    order = await shop.ordered(ticket)

    assert times.now() < order.expires_at <= times.now() + HOLD
    await shop.buyers.order(order.id)
    shown = shop.json(200)
    assert is_id(shown["id"])
    assert shown == {
        "id": order.id,
        "userId": shop.buyer.id,
        "status": "created",
        "expiresAt": times.iso(order.expires_at),
        "version": 0,
        "ticket": {
            "id": ticket.id,
            "title": "Opera",
            "price": 20.5,
            "eventDate": "2087-05-31",
            "venue": "Globe",
            "seat": "A 7",
            **dict.fromkeys(("city", "startTime", "faceValue", "notes")),
        },
        "payment": None,
        "heldUntil": times.iso(order.expires_at),
        "endedBecause": None,
        "completedAt": None,
        **dict.fromkeys(("fulfilment", "deliverBy", "acceptBy", "claim", "cardDispute")),
    }
    held = await shop.buyers.ticket(ticket.id)
    assert (held.status, held.order_id, held.version) == ("held", order.id, 1)


async def test_which_order_has_a_ticket_is_told_to_its_parties_alone(shop: Shop) -> None:
    order = await shop.ordered()
    for status in ("held", "sold"):
        for api in (shop.visitors, shop.api(a_user())):
            seen = await api.ticket(order.ticket.id)
            assert (seen.status, seen.order_id) == (status, None)
        for api in (shop.sellers, shop.buyers):
            assert (await api.ticket(order.ticket.id)).order_id == order.id
        await shop.paid(order)


async def test_the_bearer_of_a_receipt_reads_the_state_of_its_payment_and_no_more(shop: Shop) -> None:
    order = await shop.ordered()
    with shop.finds_nothing():
        await shop.buyers.receipt_code(order.id)
    await shop.paid(order)
    code = await shop.buyers.receipt_code(order.id)
    assert shop.json(200) == {"code": code}
    assert len(code) == 54

    await shop.visitors.receipt(code)
    assert shop.json(200) == {
        "id": order.id,
        "status": "complete",
        "payment": "captured",
        "ticketId": order.ticket.id,
    }

    for wrong in (code[:-2], "x", "x" * 54):
        with shop.finds_nothing():
            await shop.visitors.receipt(wrong)
    with shop.refuses_strangers():
        await shop.sellers.receipt_code(order.id)
    with shop.refuses_strangers():
        await shop.visitors.receipt_code(order.id)


async def test_an_order_is_created_as_it_is_shown(shop: Shop) -> None:
    known = await shop.ordered()
    await shop.buyers.cancel_order(known.id)
    await shop.is_free(known.ticket.id)
    order = await shop.buyers.create_order(known.ticket.id, "")
    created = shop.json(201)

    await shop.buyers.order(order.id)

    assert shop.json(200) == created


@pytest.mark.parametrize("price", ["20", "20.00", ""])
async def test_an_order_names_the_price_that_the_buyer_saw(shop: Shop, price: str) -> None:
    known = await shop.ordered()
    await shop.buyers.cancel_order(known.id)

    await shop.is_free(known.ticket.id)

    order = await shop.buyers.create_order(known.ticket.id, price)

    assert order.ticket.price.cents == 2000


async def test_an_order_is_refused_with_its_reason(shop: Shop) -> None:
    order = await shop.ordered()
    ticket_id = order.ticket.id

    with shop.refuses_strangers():
        await shop.visitors.create_order(ticket_id, "20")
    with shop.refuses(400, OWN_TICKET):
        await shop.sellers.create_order(ticket_id, "1")
    with shop.refuses(400, PRICE_CHANGED):
        await shop.buyers.create_order(ticket_id, "19.99")
    with shop.refuses(400, RESERVED):
        await shop.api(a_user()).create_order(ticket_id, "20")
    with shop.refuses(400, RESERVED):
        await shop.buyers.create_order(ticket_id, "")
    with shop.finds_nothing():
        await shop.buyers.create_order(new_id(), "20")
    with shop.refuses(400, NO_TICKET, NO_PRICE):
        await shop.buyers.create_order("x", "x")


async def test_a_buyer_s_sixth_unpaid_order_is_refused_until_the_first_hold_ends(shop: Shop) -> None:
    orders = [await shop.ordered() for _ in range(5)]
    ticket = await shop.lists()
    await shop.is_orderable(ticket)

    with shop.refuses(429, TOO_MANY_OPEN):
        await shop.buyers.create_order(ticket.id, "")

    left = (min(order.expires_at for order in orders) - times.now()).total_seconds()
    assert abs(int(shop.answers.last.headers["Retry-After"]) - left) < 5
    await shop.buyers.cancel_order(orders[0].id)
    await shop.ordered(ticket)


async def test_a_ticket_whose_day_is_over_can_not_be_ordered(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await shop.ordered(await shop.lists(eventDate="2087-05-31"))
    await shop.buyers.cancel_order(order.id)
    await shop.is_free(order.ticket.id)

    monkeypatch.setattr(times, "now", lambda: datetime(2087, 6, 1, 12, tzinfo=UTC))

    with shop.refuses(400, ("ticket-event-over", "The day of this event is over", None)):
        await shop.buyers.create_order(order.ticket.id, "1")


async def test_a_withdrawn_ticket_can_not_be_ordered(shop: Shop) -> None:
    order = await shop.ordered()
    await shop.buyers.cancel_order(order.id)
    await shop.is_free(order.ticket.id)
    await shop.sellers.withdraw_ticket(order.ticket.id)

    await shop.is_gone(order.ticket.id)

    with shop.finds_nothing():
        await shop.buyers.create_order(order.ticket.id, "")


async def test_a_cancelled_order_frees_its_ticket(shop: Shop) -> None:
    order = await shop.ordered()

    await shop.buyers.cancel_order(order.id)

    assert (shop.answers.last.status_code, shop.answers.last.content) == (204, b"")
    cancelled = await shop.buyers.order(order.id)
    assert (cancelled.status, shop.json(200)["version"]) == ("cancelled", 1)
    assert (cancelled.held_until, cancelled.ended_because) == (None, "cancelled")
    freed = await shop.is_free(order.ticket.id)
    assert (freed.order_id, freed.version) == (None, 2)


async def test_a_second_cancellation_changes_nothing(shop: Shop) -> None:
    order = await shop.ordered()
    await shop.buyers.cancel_order(order.id)
    await shop.is_free(order.ticket.id)
    second = await shop.buyers.create_order(order.ticket.id, "")

    await shop.buyers.cancel_order(order.id)

    assert shop.answers.last.status_code == 204
    await shop.is_held(order.ticket.id)
    assert (await shop.buyers.ticket(order.ticket.id)).order_id == second.id


async def test_a_complete_order_can_not_be_cancelled(shop: Shop) -> None:
    order = await shop.ordered()
    await shop.paid(order)

    with shop.refuses(400, COMPLETE):
        await shop.buyers.cancel_order(order.id)


async def test_an_order_is_its_buyers_alone(shop: Shop) -> None:
    order = await shop.ordered()
    for api in (shop.visitors, shop.sellers):
        with shop.refuses_strangers():
            await api.order(order.id)
        with shop.refuses_strangers():
            await api.cancel_order(order.id)


async def test_an_order_that_does_not_exist_is_not_found(shop: Shop) -> None:
    for order_id in (new_id(), "x"):
        with shop.finds_nothing():
            await shop.buyers.order(order_id)
        with shop.finds_nothing():
            await shop.buyers.cancel_order(order_id)


async def test_orders_are_listed_newest_first_and_page_by_page(shop: Shop) -> None:
    placed = [await shop.ordered() for _ in range(3)]
    await shop.ordered(buyer=shop.api(a_user()))

    whole = await shop.buyers.orders({})
    first = await shop.buyers.orders({"limit": "2"})
    assert first.following is not None
    second = await shop.buyers.orders(first.following)

    assert [order.id for order in whole.items] == [order.id for order in reversed(placed)]
    assert whole.following is None
    assert first.items + second.items == whole.items
    assert first.following["limit"] == "2"
    assert second.following is None
    assert (await shop.sellers.orders({})).items == []
    with shop.refuses_strangers():
        await shop.visitors.orders({})
