"""Orders of a restored database are as their events, and those of their payments, say."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from common.messaging.events import Event
from common.messaging.publisher import Publisher, send
from common.persistence.mongo import ASCENDING, Database
from common.testing.events import deliver
from common.testing.fake_stream import FakeStream
from orders.publishers import publishers
from orders.repository import Repositories
from orders.restored import restored
from tests.builders import HOLD, TERMS, Json, Offer, Payment, Shop

Documents = list[dict[str, Any]]


class _Payments(Publisher[Event], source="payments"): ...


async def emit(stream: FakeStream, *events: Event) -> None:
    """As payments publishes the versions of one payment."""
    for version, event in enumerate(events):
        await send(stream, _Payments(stream).envelope(event, version))
    await stream.settled()


async def copy(database: Database, name: str) -> Documents:
    """Once no event waits in an outbox."""
    while await database[name].count_documents({"outbox.0": {"$exists": True}}):
        await asyncio.sleep(0.005)
    return await database[name].find({}, sort=[("_id", ASCENDING)])


async def replace(database: Database, **collections: Documents) -> None:
    for name, documents in collections.items():
        await database[name].delete_many({})
        if documents:
            await database[name].insert_many(documents)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.persistence.rebuild.DOUBT_SECONDS", 0.001)


async def in_every_state(shop: Shop, stream: FakeStream) -> None:
    """Orders that are open, await their card, are complete, paid, cancelled, expired, and voided."""
    await shop.an_order()
    awaiting, complete, paid, cancelled, expired, voided = [await shop.an_order() for _ in range(6)]
    card = Payment(paid["id"])
    await emit(stream, Payment(awaiting["id"]).awaiting())
    await emit(stream, Payment(complete["id"]).created())
    await emit(stream, card.awaiting(), card.created(), card.captured())
    await shop.delete(cancelled)
    await expire(shop, stream, expired)
    await shop.delete(voided)
    late = Payment(voided["id"])
    await emit(stream, late.created(), late.voided())
    await in_every_state_of_fulfilment(shop, stream)


async def in_every_state_of_fulfilment(shop: Shop, stream: FakeStream) -> None:
    for steps in (
        ("delivery",),
        ("delivery", "acceptance", "paid out"),
        ("delivery", "claims", "claims/answer"),
        ("delivery", "claims", "refund", "refunded"),
        ("disputed",),
        ("refunded",),
    ):
        await deliver(stream, (offer := Offer()).created())
        order = await shop.an_order(offer)
        payment = Payment(order["id"])
        await emit(stream, payment.created(), payment.captured())
        for step in steps:
            await take(shop, stream, offer, order, payment, step, version=2)


async def take(
    shop: Shop, stream: FakeStream, offer: Offer, order: Json, payment: Payment, step: str, version: int
) -> None:
    events: dict[str, Callable[[], Event]] = {
        "paid out": payment.paid_out,
        "disputed": payment.disputed,
        "refunded": payment.refunded,
    }
    if step in events:
        await send(stream, _Payments(stream).envelope(events[step](), version))
        await stream.settled()
        return
    user = shop.buyer if step in ("acceptance", "claims") else offer.seller
    bodies = {"claims": {"reason": "not-valid", "words": "Refused."}, "claims/answer": {"words": "No."}}
    answer = await shop.press(order, step, user, bodies.get(step))
    assert answer.is_success, answer.text


async def expire(shop: Shop, stream: FakeStream, order: Json) -> None:
    """As the order's timer does at its time. Its `expiresAt` stays that of its events."""
    orders = Repositories.over(shop.database, publishers(stream)).orders
    due = await orders.get(order["id"])
    due.expire(due.expires_at, HOLD)
    await orders.save(due)


async def test_orders_in_every_state_are_as_they_were(
    shop: Shop, stream: FakeStream, database: Database
) -> None:
    await in_every_state(shop, stream)
    orders, tickets = await copy(database, "orders"), await copy(database, "tickets")
    held = await shop.an_order()
    await in_every_state(shop, stream)
    open_ = [order["_id"] for order in orders if order["status"] == "created"]
    await emit(stream, *_paid(Payment(open_[0])))
    expected = await copy(database, "orders"), await copy(database, "tickets")
    known = {order["_id"] for order in orders}
    for document in expected[0]:
        if document["_id"] not in known:
            # One that is put back counts no more against its buyer's limit, and lost its claim's words.
            del document["slot"]
            document.pop("claim", None)
    published = len(stream.messages)
    await replace(database, orders=orders, tickets=tickets)

    text = await restored(stream, database, TERMS)

    assert (await copy(database, "orders"), await copy(database, "tickets")) == expected
    assert len(stream.messages) == published
    assert "1 brought to their last published version, 14 put back" in text
    assert "payments   0 orders lacked the state of their payment" in text
    assert await shop.status(held) == ("created", 0)


async def test_a_ticket_that_was_ordered_again_since_the_backup_is_its_later_orders(
    shop: Shop, stream: FakeStream, database: Database
) -> None:
    offer = await shop.an_offer()
    first = await shop.an_order(offer)
    orders, tickets = await copy(database, "orders"), await copy(database, "tickets")
    await shop.delete(first)
    second = await shop.an_order(offer)
    await copy(database, "orders")
    await replace(database, orders=orders, tickets=tickets)

    await restored(stream, database, TERMS)

    assert (await shop.status(first), await shop.status(second)) == (("cancelled", 1), ("created", 0))
    assert (await shop.post({"ticketId": offer.id})).status_code == 400


@pytest.mark.parametrize("events", [("created",), ("created", "captured"), ("awaiting",)])
async def test_a_payment_whose_effect_was_lost_with_the_database_takes_effect(
    shop: Shop, stream: FakeStream, database: Database, events: tuple[str, ...]
) -> None:
    order = await shop.an_order()
    orders, tickets = await copy(database, "orders"), await copy(database, "tickets")
    payment = Payment(order["id"])
    await emit(stream, *(getattr(payment, event)() for event in events))
    await copy(database, "orders")
    expected = await shop.shown(order)
    lose(stream, order)
    await replace(database, orders=orders, tickets=tickets)

    text = await restored(stream, database, TERMS)

    assert "payments   1 orders lacked the state of their payment" in text
    shown = await shop.shown(order)
    # Completed once more: at the time of the restoration.
    later = dict.fromkeys(("completedAt", "deliverBy"))
    assert shown | later == expected | later
    again = [m.headers["ce-id"] for m in stream.messages if m.subject.endswith(order["id"])]
    assert len(again) == expected["version"] + 1


def lose(stream: FakeStream, order: Json) -> None:
    """The order's changes were in the outbox of the lost database."""
    created = f"order.created.{order['id']}"
    stream.messages = [
        m for m in stream.messages if not m.subject.endswith(order["id"]) or m.subject == created
    ]
    stream._ids.clear()


def _paid(payment: Payment) -> tuple[Event, ...]:
    return payment.created(), payment.captured()


async def test_an_order_that_is_put_back_has_the_details_of_its_ticket(
    shop: Shop, stream: FakeStream, database: Database
) -> None:
    offer = Offer()
    await deliver(stream, offer.created().model_copy(update={"venue": "Hall", "seat": "B 7"}))
    order = await shop.an_order(offer)
    expected = await copy(database, "orders")
    del expected[0]["slot"]
    await replace(database, orders=[])

    await restored(stream, database, TERMS)

    assert await copy(database, "orders") == expected
    assert (await shop.shown(order))["ticket"]["venue"] == "Hall"
