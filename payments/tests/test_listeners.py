"""Listener to the orders' events: acknowledged, in order, once; a malformed event becomes a dead letter."""

import asyncio
from collections.abc import Callable

import pytest

from common.base.ids import new_id
from common.messaging.dead_letters import REASON
from common.messaging.events import Event, VersionedEvent
from common.messaging.stream import MESSAGE_ID
from tests.orders import AnOrder, emit
from tests.shop import Shop

LATER: dict[str, tuple[Callable[[AnOrder], VersionedEvent], str]] = {
    "order.updated": (lambda order: order.updated("awaiting:payment"), "awaiting:payment"),
    "order.cancelled": (AnOrder.cancelled, "cancelled"),
    "order.completed": (AnOrder.completed, "complete"),
}
SUBJECTS = ("order.created", *LATER)


async def again(shop: Shop, event: Event) -> None:
    """Publishes the same message again, as after the stream's duplicate window."""
    stored = next(m for m in shop.stream.messages if m.data == event.to_json())
    await shop.stream.publish(stored.subject, stored.data, {**stored.headers, MESSAGE_ID: new_id()})
    await shop.stream.settled()


def outcomes(shop: Shop) -> list[str | None]:
    return [delivery.outcome for delivery in shop.stream.sources["payments"].deliveries]


async def test_an_order_is_known_once_created(shop: Shop) -> None:
    order = await shop.order()
    known = await shop.context.repositories.orders.get(order.id)
    assert (known.user_id, known.status, known.price, known.expires_at) == (
        order.buyer.id,
        "created",
        order.price,
        order.expires_at,
    )
    assert outcomes(shop) == ["ack"]


@pytest.mark.parametrize("subject", LATER)
async def test_later_events_are_applied_and_acknowledged(shop: Shop, subject: str) -> None:
    order = await shop.order()
    make, status = LATER[subject]
    await shop.receive(make(order))
    assert (await shop.context.repositories.orders.get(order.id)).status == status
    assert outcomes(shop) == ["ack", "ack"]


@pytest.mark.parametrize("subject", LATER)
async def test_an_early_event_waits_for_its_predecessor(shop: Shop, subject: str) -> None:
    order = AnOrder()
    make, status = LATER[subject]
    first, second = order.created(), make(order)
    await emit(shop.stream, second)
    source = shop.stream.sources["payments"]
    while not (source.deliveries and source.deliveries[0].outcome):
        await asyncio.sleep(0.002)
    assert source.deliveries[0].outcome == "nak"
    await shop.receive(first)
    assert (await shop.context.repositories.orders.get(order.id)).status == status
    assert outcomes(shop)[-1] == "ack"


@pytest.mark.parametrize("subject", SUBJECTS)
async def test_a_repetition_is_acknowledged_and_changes_nothing(shop: Shop, subject: str) -> None:
    order = AnOrder()
    event: VersionedEvent = order.created()
    await shop.receive(event)
    if subject != "order.created":
        event = LATER[subject][0](order)
        await shop.receive(event)
    await shop.receive(order.updated("awaiting:payment"))
    before = await shop.context.repositories.orders.find(order.id)
    await again(shop, event)
    assert await shop.context.repositories.orders.find(order.id) == before
    assert set(outcomes(shop)) == {"ack"}


async def test_a_repetition_settles_what_a_crash_left(shop: Shop) -> None:
    """After a kill between the write to the replica and the settlement, the message is redelivered."""
    order = await shop.order()
    await shop.pay(order)
    event = order.completed()
    await shop.context.repositories.orders.apply(event.id, event.version, {"status": "complete"})
    await shop.receive(event)
    assert await shop.states(order) == ["captured"]


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("data", [b"{", b"{}", b'{"id": "x", "version": "one"}', b"\xff"])
async def test_a_broken_message_is_a_dead_letter(shop: Shop, subject: str, data: bytes) -> None:
    await shop.stream.publish(f"{subject}.{new_id()}", data, {})
    await shop.stream.settled()
    assert outcomes(shop) == ["term"]
    [letter] = shop.stream.of(f"dead.payments.{subject}")
    assert letter.data == data
    assert "does not parse" in letter.headers[REASON]


async def test_the_end_of_an_order_without_a_payment_changes_nothing(shop: Shop) -> None:
    for end in (AnOrder.cancelled, AnOrder.completed):
        await shop.receive(end(await shop.order()))
    assert await shop.published() == []
    assert set(outcomes(shop)) == {"ack"}


async def test_many_ends_of_an_order_move_its_money_once(shop: Shop) -> None:
    order = await shop.order()
    await shop.pay(order)
    completed = order.completed()
    await shop.receive(completed)
    await again(shop, completed)
    await shop.receive(order.updated("complete"))
    [intent] = await shop.intents(order)
    assert (intent["captures"], intent["voids"]) == (1, 0)
    assert await shop.published() == ["payment.created:0", "payment.captured:1"]


async def test_a_refused_settlement_ends_as_a_dead_letter(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.messaging.outcomes.FIRST_DELAY", 0.001)
    order = await shop.order()
    await shop.pay(order)
    [intent] = await shop.intents(order)
    await shop.gateway.void(intent["_id"], "by hand")
    await shop.receive(order.completed())
    [letter] = shop.stream.of("dead.payments.order.completed")
    assert "SettlementRefused" in letter.headers[REASON]
