"""What orders do to tickets, in any order and with repetitions."""

import asyncio

import pytest

from common.base.ids import new_id
from common.messaging.events import Event
from common.persistence.mongo import Database
from common.testing.answers import message_of
from common.testing.events import deliver, emitted, emitted_by, outcomes, publish, refused
from common.testing.fake_stream import FakeStream
from tests.builders import Json, Market, Sale
from tickets.repository import OrderProgress


async def state(market: Market, ticket: Json) -> tuple[str, str | None, int]:
    shown = await market.shown(ticket)
    return shown["status"], shown["orderId"], shown["version"]


# Each event's effect


async def test_an_order_holds_its_ticket(market: Market) -> None:
    ticket, order = await market.a_held_ticket()

    assert await state(market, ticket) == ("held", order.id, 1)


async def test_a_cancelled_order_puts_its_ticket_back_on_sale(market: Market, stream: FakeStream) -> None:
    ticket, order = await market.a_held_ticket()

    await deliver(stream, order.cancelled())

    assert await state(market, ticket) == ("available", None, 2)
    assert await market.titles() == ["Concert"]
    assert (await market.put(ticket, {"title": "Opera", "price": 1})).status_code == 200


async def test_a_completed_order_buys_its_ticket(market: Market, stream: FakeStream) -> None:
    ticket, order = await market.a_held_ticket()

    await deliver(stream, order.completed())

    assert await state(market, ticket) == ("sold", order.id, 2)
    assert await market.titles() == []


async def test_an_updated_order_changes_nothing_but_how_far_it_is(market: Market, stream: FakeStream) -> None:
    ticket, order = await market.a_held_ticket()

    await deliver(stream, order.updated(1))
    assert await state(market, ticket) == ("held", order.id, 1)

    await deliver(stream, order.completed(2), order.updated(3), order.updated(4))
    assert await state(market, ticket) == ("sold", order.id, 2)


async def test_a_sold_ticket_is_never_freed(market: Market, stream: FakeStream) -> None:
    ticket, order = await market.a_sold_ticket()

    await deliver(stream, order.cancelled(2))

    assert await state(market, ticket) == ("sold", order.id, 2)


async def test_an_order_that_does_not_hold_a_ticket_does_not_free_or_buy_it(
    market: Market, stream: FakeStream
) -> None:
    ticket, order = await market.a_held_ticket()
    late = Sale.of(ticket)
    await refused(stream, late.created())
    ended = Sale.of(ticket)
    await publish(stream, ended.cancelled(0), Sale.of(ticket).completed(0))
    await asyncio.sleep(0.05)

    assert await state(market, ticket) == ("held", order.id, 1)


async def test_a_ticket_that_was_withdrawn_a_moment_before_its_order_is_held_for_it(
    market: Market, stream: FakeStream
) -> None:
    ticket = await market.a_ticket()
    await market.delete(ticket)
    order = Sale.of(ticket)

    await deliver(stream, order.created())
    assert await state(market, ticket) == ("held", order.id, 2)

    await deliver(stream, order.completed())
    assert await state(market, ticket) == ("sold", order.id, 3)


async def test_a_withdrawn_ticket_stays_withdrawn_when_its_order_ends(
    market: Market, stream: FakeStream
) -> None:
    ticket = await market.a_ticket()
    await market.delete(ticket)
    order = Sale.of(ticket)

    await deliver(stream, order.created(), order.cancelled())

    assert message_of(await market.client.get(f"/api/tickets/{ticket['id']}"), 404) == "Not found"
    assert await market.titles() == []


# Delivery


def history(order: Sale, name: str) -> tuple[list[Event], Event]:
    """What has to come before an order's event, and that event."""
    before: list[Event] = [] if name == "order.created" else [order.created()]
    event: dict[str, Event] = {
        "order.created": order.created(),
        "order.updated": order.updated(),
        "order.cancelled": order.cancelled(),
        "order.completed": order.completed(),
    }
    return before, event[name]


ALL = ["order.created", "order.updated", "order.cancelled", "order.completed"]
LATER = ALL[1:]


@pytest.mark.parametrize("name", ALL)
async def test_each_event_is_acknowledged(market: Market, stream: FakeStream, name: str) -> None:
    before, event = history(Sale.of(await market.a_ticket()), name)

    await deliver(stream, *before, event)

    assert outcomes(stream, event) == ["ack"]


@pytest.mark.parametrize("name", ALL)
async def test_each_event_takes_effect_once_however_often_it_comes(
    market: Market, stream: FakeStream, name: str
) -> None:
    ticket = await market.a_ticket()
    before, event = history(Sale.of(ticket), name)
    await deliver(stream, *before, event)
    once = await state(market, ticket)

    await deliver(stream, event, *before, event)

    assert await state(market, ticket) == once
    assert outcomes(stream, event) == ["ack", "ack", "ack"]
    await emitted(stream, "ticket.updated", once[2])


@pytest.mark.parametrize("name", LATER)
async def test_each_later_event_waits_for_the_one_before(
    market: Market, stream: FakeStream, name: str
) -> None:
    ticket = await market.a_ticket()
    before, event = history(Sale.of(ticket), name)

    await refused(stream, event)
    assert await state(market, ticket) == ("available", None, 0)
    await deliver(stream, *before)

    assert outcomes(stream, event)[0] == "nak"
    assert outcomes(stream, event)[-1] == "ack"
    expected = {"order.updated": "held", "order.cancelled": "available", "order.completed": "sold"}
    assert (await state(market, ticket))[0] == expected[name]


@pytest.mark.parametrize("name", ["order.cancelled", "order.completed"])
async def test_the_end_of_an_order_waits_for_the_updates_before_it(
    market: Market, stream: FakeStream, name: str
) -> None:
    ticket, order = await market.a_held_ticket()
    end = order.cancelled(2) if name == "order.cancelled" else order.completed(2)

    await refused(stream, end)
    assert await state(market, ticket) == ("held", order.id, 1)
    await deliver(stream, order.updated(1))

    assert (await state(market, ticket))[0] == ("available" if name == "order.cancelled" else "sold")


async def test_a_gap_is_asked_for_again_at_growing_intervals(market: Market, stream: FakeStream) -> None:
    order = Sale.of(await market.a_ticket())
    await publish(stream, order.cancelled())

    async with asyncio.timeout(10):
        while outcomes(stream, order.cancelled()).count("nak") < 4:
            await asyncio.sleep(0.01)

    deliveries = stream.sources["tickets"].deliveries
    assert [delivery.delay for delivery in deliveries[:4]] == [0.05, 0.1, 0.2, 0.4]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"null", b'{"id":"x"}', b'{"id":"\\ud800","version":0}', b'{"id":"x","version":1e400}'],
    ids=["empty", "cut", "null", "fields missing", "lone surrogate", "no number"],
)
async def test_a_broken_event_is_a_dead_letter_with_the_reason_and_blocks_nobody(
    market: Market, stream: FakeStream, name: str, data: bytes
) -> None:
    ticket = await market.a_ticket()
    order = Sale.of(ticket)

    await stream.publish(f"{name}.{order.id}", data, {})
    await deliver(stream, order.created())

    (letter,) = stream.of("dead")
    assert (letter.subject, letter.data) == (f"dead.tickets.{name}.{order.id}", data)
    assert letter.headers["Gittix-Reason"].startswith("does not parse: ")
    assert stream.sources["tickets"].deliveries[0].outcome == "term"
    assert (await state(market, ticket))[0] == "held"


async def test_a_field_that_is_not_known_is_no_fault(market: Market, stream: FakeStream) -> None:
    ticket = await market.a_ticket()
    order = Sale.of(ticket)
    body = order.created().to_json()[:-1] + b',"addedLater":{"x":1}}'

    await stream.publish(f"order.created.{order.id}", body, emitted_by("orders"))
    await stream.settled()

    assert await state(market, ticket) == ("held", order.id, 1)


# Order


async def test_a_cancellation_that_overtakes_its_creation_leaves_the_ticket_free(
    market: Market, stream: FakeStream
) -> None:
    ticket = await market.a_ticket()
    order = Sale.of(ticket)

    await refused(stream, order.cancelled())
    await deliver(stream, order.created())

    assert await state(market, ticket) == ("available", None, 2)


async def test_the_next_order_holds_the_ticket_though_it_overtakes_the_end_of_the_one_before(
    market: Market, stream: FakeStream
) -> None:
    ticket, first = await market.a_held_ticket()
    second = Sale.of(ticket)

    await refused(stream, second.created())
    assert await state(market, ticket) == ("held", first.id, 1)
    await deliver(stream, first.cancelled())

    assert await state(market, ticket) == ("held", second.id, 3)


async def test_two_whole_orders_backwards_end_with_the_second_one_s_sale(
    market: Market, stream: FakeStream
) -> None:
    ticket = await market.a_ticket()
    first, second = Sale.of(ticket), Sale.of(ticket)

    for event in (second.completed(), first.cancelled()):
        await refused(stream, event)
    await publish(stream, first.created())
    await deliver(stream, second.created())

    assert (await state(market, ticket))[:2] == ("sold", second.id)


async def test_an_order_that_ended_before_it_got_its_ticket_is_not_waited_for(
    market: Market, stream: FakeStream
) -> None:
    """Found by `make chaos`: it ended as seven dead letters."""
    ticket = await market.a_ticket()
    first, second = Sale.of(ticket), Sale.of(ticket)
    await deliver(stream, second.created(), second.completed())

    events = [first.created(), first.cancelled(), first.updated(2)]

    await deliver(stream, *events)

    assert await state(market, ticket) == ("sold", second.id, 2)
    assert [outcomes(stream, event)[-1] for event in events] == ["ack", "ack", "ack"]


async def test_a_hold_that_meets_its_order_s_end_in_another_process_is_undone(
    market: Market, stream: FakeStream, database: Database
) -> None:
    ticket, order = await market.a_held_ticket()
    # As if this process had held the ticket, and died before it noted that, while another noted the end.
    await database["orders"].replace_one({"_id": order.id}, {"version": 1, "ended": True})

    await deliver(stream, order.created())

    assert (await state(market, ticket))[0] == "available"


async def test_a_hold_that_comes_to_itself_after_its_order_s_end_is_undone(
    market: Market, stream: FakeStream, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One process is stopped between its look at the order's version and the hold; another does the rest."""
    ticket = await market.a_ticket()
    order = Sale.of(ticket)
    has_begun = OrderProgress.has_begun

    async def stopped(progress: OrderProgress, order_id: str) -> bool:
        begun = await has_begun(progress, order_id)
        await database["orders"].insert_one({"_id": order_id, "version": 1, "ended": True})
        return begun

    monkeypatch.setattr(OrderProgress, "has_begun", stopped)
    await deliver(stream, order.created())

    assert await state(market, ticket) == ("available", None, 2)


async def test_a_cancellation_delivered_again_does_not_free_the_next_order_s_ticket(
    market: Market, stream: FakeStream, database: Database
) -> None:
    ticket, first = await market.a_held_ticket()
    second = Sale.of(ticket)
    await deliver(stream, first.cancelled(), second.created())
    held = await state(market, ticket)

    # As after a crash between the effect on the ticket and the note of how far the order is.
    await database["orders"].update_one({"_id": first.id}, {"$set": {"version": 0}})
    await deliver(stream, first.cancelled())

    assert await state(market, ticket) == held == ("held", second.id, 3)


# Trouble


@pytest.mark.usefixtures("client")
async def test_an_order_of_an_unknown_ticket_is_tried_again(stream: FakeStream) -> None:
    event = Sale(new_id(), new_id()).created()

    await refused(stream, event)
    await refused(stream, Sale(new_id(), new_id()).cancelled())

    assert outcomes(stream, event)[0] == "nak"
    assert stream.of("dead") == []
