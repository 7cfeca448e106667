"""What tickets, timers and payments do to orders, in any order and with repetitions."""

from datetime import datetime, timedelta

import orjson
import pytest

from common.base.ids import new_id
from common.contract.details import NO_DETAILS
from common.contract.events import ExpirationComplete, TicketCreated
from common.messaging.events import Event
from common.persistence.mongo import Database, Document
from common.testing.answers import message_of
from common.testing.browser import a_user
from common.testing.events import deliver, emitted, emitted_by, outcomes, refused
from common.testing.fake_stream import FakeStream
from tests.builders import HOLD, Json, Offer, Payment, Shop, timer

SECOND = timedelta(seconds=1)


async def replica(database: Database, offer: Offer) -> Document:
    found = await database["tickets"].find_one({"_id": offer.id})
    assert found is not None
    return found


# The replica of tickets


@pytest.mark.usefixtures("client")
async def test_the_replica_follows_every_version_of_a_ticket(stream: FakeStream, database: Database) -> None:
    offer = Offer()

    await deliver(
        stream, offer.created(cents=500), offer.updated(1, cents=1000), offer.updated(2, cents=1500)
    )

    assert await replica(database, offer) == {
        "_id": offer.id,
        "version": 2,
        "title": "Concert",
        "price_cents": 1500,
        "details": NO_DETAILS.to_document(),
        "delivery": None,
        "user_id": offer.seller_id,
        "order_id": None,
    }


@pytest.mark.usefixtures("client")
async def test_an_event_of_before_there_were_details_leaves_them_as_they_are(
    stream: FakeStream, database: Database
) -> None:
    old, new = Offer(), Offer()
    fields = {"version": 0, "title": "Concert", "price": 20, "userId": "u"}

    await stream.publish(
        f"ticket.created.{old.id}", orjson.dumps(fields | {"id": old.id}), emitted_by("tickets")
    )
    await deliver(stream, TicketCreated(**new.created().model_dump() | {"venue": "Hall"}))
    await stream.publish(
        f"ticket.updated.{new.id}", orjson.dumps(fields | {"id": new.id, "version": 1}), emitted_by("tickets")
    )
    await stream.settled()

    assert "details" not in await replica(database, old)
    found = await replica(database, new)
    assert (found["version"], found["details"]["venue"]) == (1, "Hall")


@pytest.mark.usefixtures("client")
async def test_a_version_that_arrives_early_waits_for_the_one_before(
    stream: FakeStream, database: Database
) -> None:
    offer = Offer()
    await deliver(stream, offer.created(cents=500))

    await refused(stream, offer.updated(2, cents=1500))
    assert (await replica(database, offer))["price_cents"] == 500
    await deliver(stream, offer.updated(1, cents=1000))

    assert (await replica(database, offer))["price_cents"] == 1500
    assert outcomes(stream, offer.updated(2, cents=1500))[-1] == "ack"


@pytest.mark.usefixtures("client")
async def test_a_whole_history_backwards_ends_at_its_last_version(
    stream: FakeStream, database: Database
) -> None:
    offer = Offer()

    for version in (3, 2, 1):
        await refused(stream, offer.updated(version, cents=version * 100))
    await deliver(stream, offer.created())

    found = await replica(database, offer)
    assert (found["version"], found["price_cents"]) == (3, 300)


@pytest.mark.usefixtures("client")
async def test_an_old_version_is_acknowledged_and_dropped(stream: FakeStream, database: Database) -> None:
    offer = Offer()
    history = (offer.created(cents=500), offer.updated(1, cents=1000), offer.updated(2, cents=1500))
    await deliver(stream, *history)
    before = await replica(database, offer)

    await deliver(stream, *history)

    assert await replica(database, offer) == before
    assert [outcomes(stream, event) for event in history] == [["ack", "ack"]] * 3


async def test_a_withdrawal_that_overtakes_an_edit_takes_effect_after_it(
    shop: Shop, stream: FakeStream
) -> None:
    offer = await shop.an_offer()

    await refused(stream, offer.withdrawn(2))
    await deliver(stream, offer.updated(1))

    assert message_of(await shop.post({"ticketId": offer.id}), 404) == "Not found"


async def test_a_listing_that_is_put_back_on_sale_can_be_ordered(
    shop: Shop, stream: FakeStream, database: Database
) -> None:
    offer = await shop.an_offer()

    await deliver(stream, offer.withdrawn(1), offer.relisted(2))

    assert (await shop.post({"ticketId": offer.id})).status_code == 201
    assert (await replica(database, offer))["version"] == 2


async def test_a_change_of_a_release_that_can_not_put_back_leaves_a_ticket_withdrawn(
    shop: Shop, stream: FakeStream
) -> None:
    """As when an order that was on its way holds the withdrawn ticket, and frees it."""
    offer = await shop.an_offer()

    await deliver(stream, offer.withdrawn(1), offer.updated(2, order_id="order"), offer.updated(3))

    assert message_of(await shop.post({"ticketId": offer.id}), 404) == "Not found"


async def test_a_relisting_that_the_last_release_consumed_takes_effect_with_the_next_change(
    shop: Shop, stream: FakeStream
) -> None:
    """The last release's process applies the event's version, and knows no `withdrawn` in it."""
    offer = await shop.an_offer()
    await deliver(stream, offer.withdrawn(1), offer.updated(2))

    await deliver(stream, offer.relisted(3))

    assert (await shop.post({"ticketId": offer.id})).status_code == 201


# Timers


async def test_a_timer_ends_an_order_whose_time_is_over(shop: Shop, stream: FakeStream) -> None:
    order = await shop.an_order()
    await shop.let_time_pass(order, timedelta(0))

    await deliver(stream, timer(order))

    assert await shop.status(order) == ("cancelled", 1)
    assert (await shop.shown(order))["endedBecause"] == "expired"
    await emitted(stream, "order.cancelled", 1)
    assert (await shop.post({"ticketId": order["ticket"]["id"]}, a_user())).status_code == 201


async def test_a_timer_that_is_early_ends_nothing_until_the_time_is_over(
    shop: Shop, stream: FakeStream
) -> None:
    order = await shop.an_order()

    await refused(stream, timer(order))
    assert await shop.status(order) == ("created", 0)

    await shop.let_time_pass(order, timedelta(0))
    await stream.settled()
    assert await shop.status(order) == ("cancelled", 1)
    assert outcomes(stream, timer(order))[-1] == "ack"


async def test_a_timer_that_fires_again_changes_nothing(shop: Shop, stream: FakeStream) -> None:
    order = await shop.an_order()
    await shop.let_time_pass(order, timedelta(0))

    await deliver(stream, timer(order), timer(order), timer(order))

    assert await shop.status(order) == ("cancelled", 1)
    assert outcomes(stream, timer(order)) == ["ack"] * 3


async def test_a_timer_does_not_end_a_complete_order(shop: Shop, stream: FakeStream) -> None:
    order = await shop.a_complete_order()
    await shop.let_time_pass(order, timedelta(0))

    await deliver(stream, timer(order))

    assert await shop.status(order) == ("complete", 1)
    assert outcomes(stream, timer(order)) == ["ack"]


async def test_a_timer_does_not_end_an_order_that_awaits_its_card(shop: Shop, stream: FakeStream) -> None:
    order = await shop.an_order()
    await deliver(stream, Payment(order["id"]).awaiting())
    await shop.let_time_pass(order, HOLD - SECOND)

    await deliver(stream, timer(order))

    assert await shop.status(order) == ("awaiting:payment", 1)


async def test_a_timer_ends_an_order_that_awaited_its_card_for_one_more_hold(
    shop: Shop, stream: FakeStream
) -> None:
    order = await shop.an_order()
    await deliver(stream, Payment(order["id"]).awaiting())
    await shop.let_time_pass(order, HOLD)

    await deliver(stream, timer(order))

    assert await shop.status(order) == ("cancelled", 2)


# Payments


async def test_a_payment_completes_its_order(shop: Shop, stream: FakeStream) -> None:
    order = await shop.an_order()

    await deliver(stream, Payment(order["id"]).created())

    shown = await shop.shown(order)
    assert shown == order | {
        "status": "complete",
        "version": 1,
        "payment": "authorized",
        "heldUntil": None,
        "completedAt": shown["completedAt"],
        "fulfilment": "due",
        "deliverBy": shown["deliverBy"],
    }
    assert shown["completedAt"] is not None
    await emitted(stream, "order.completed", 1)


async def test_a_payment_told_twice_completes_once(shop: Shop, stream: FakeStream) -> None:
    order = await shop.an_order()
    payment = Payment(order["id"])

    await deliver(stream, payment.created(), payment.created())

    assert await shop.status(order) == ("complete", 1)
    await emitted(stream, "order.completed", 1)


@pytest.mark.parametrize("end", ["cancelled", "expired"])
async def test_a_payment_of_an_ended_order_does_not_complete_it(
    shop: Shop, stream: FakeStream, end: str
) -> None:
    order = await shop.an_order()
    if end == "cancelled":
        await shop.delete(order)
    else:
        await shop.let_time_pass(order, timedelta(0))
        await deliver(stream, timer(order))
    payment = Payment(order["id"])

    await deliver(stream, payment.created())

    assert await shop.status(order) == ("cancelled", 1)
    assert stream.of("order.completed") == []
    assert outcomes(stream, payment.created()) == ["ack"]


async def test_an_order_that_waits_for_its_card_is_held_for_one_more_hold(
    shop: Shop, stream: FakeStream
) -> None:
    order = await shop.an_order()

    await deliver(stream, Payment(order["id"]).awaiting())

    until = datetime.fromisoformat((await shop.shown(order))["heldUntil"])
    assert until == datetime.fromisoformat(order["expiresAt"]) + HOLD


@pytest.mark.parametrize("stored", [{}, {"ended_because": "a reason of the next release"}])
async def test_an_end_of_another_release_is_told_as_it_is_stored(
    shop: Shop, stream: FakeStream, stored: dict[str, str]
) -> None:
    order = await shop.an_order()
    await shop.delete(order)
    found = shop.database["orders"]
    await found.update_one(
        {"_id": order["id"]}, {"$set": stored} if stored else {"$unset": {"ended_because": 1}}
    )

    await deliver(stream, Payment(order["id"]).voided())

    shown = await shop.shown(order)
    assert (shown["payment"], shown["endedBecause"]) == ("voided", stored.get("ended_because"))


async def test_a_voided_payment_is_shown_on_the_cancelled_order(shop: Shop, stream: FakeStream) -> None:
    order = await shop.an_order()
    await shop.delete(order)

    await deliver(stream, Payment(order["id"]).voided())

    shown = await shop.shown(order)
    assert (shown["status"], shown["payment"], shown["version"]) == ("cancelled", "voided", 2)


async def test_a_captured_payment_is_shown_once(shop: Shop, stream: FakeStream) -> None:
    order = await shop.a_complete_order()
    payment = Payment(order["id"])

    await deliver(stream, payment.captured(), payment.captured(), payment.voided())

    shown = await shop.shown(order)
    assert (shown["status"], shown["payment"], shown["version"]) == ("complete", "captured", 2)


async def test_an_order_that_awaits_its_card_can_be_cancelled_or_completed(
    shop: Shop, stream: FakeStream
) -> None:
    cancelled, completed = await shop.an_order(), await shop.an_order()
    await deliver(stream, Payment(cancelled["id"]).awaiting(), Payment(completed["id"]).awaiting())

    await shop.delete(cancelled)
    await deliver(stream, Payment(completed["id"]).created())

    assert await shop.status(cancelled) == ("cancelled", 2)
    assert await shop.status(completed) == ("complete", 2)


# Delivery


def events_about(order: Json) -> dict[str, Event]:
    payment = Payment(order["id"])
    return {
        "payment.awaiting": payment.awaiting(),
        "payment.created": payment.created(),
        "payment.captured": payment.captured(),
        "payment.voided": payment.voided(),
        "payment.refunded": payment.refunded(),
    }


@pytest.mark.parametrize(
    "name",
    ["payment.awaiting", "payment.created", "payment.captured", "payment.voided", "payment.refunded"],
)
async def test_each_payment_event_is_acknowledged_and_bears_repetition(
    shop: Shop, stream: FakeStream, name: str
) -> None:
    order = await shop.an_order()
    event = events_about(order)[name]
    await deliver(stream, event)
    once = await shop.shown(order)
    assert once["version"] == 1

    await deliver(stream, event)

    assert await shop.shown(order) == once
    assert outcomes(stream, event) == ["ack", "ack"]


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(
    "event",
    [Payment(new_id()).created(), ExpirationComplete(order_id=new_id())],
    ids=["payment.created", "expiration.complete"],
)
async def test_an_event_about_an_unknown_order_is_tried_again(stream: FakeStream, event: Event) -> None:
    await refused(stream, event)

    assert stream.of("dead") == []


@pytest.mark.parametrize(
    "subject",
    [
        "ticket.created",
        "ticket.updated",
        "ticket.withdrawn",
        "expiration.complete",
        "payment.awaiting",
        "payment.created",
        "payment.captured",
        "payment.voided",
        "payment.refunded",
        "payment.disputed",
        "payout.made",
        "deadline.passed",
    ],
)
async def test_a_broken_event_is_a_dead_letter_with_the_reason_and_blocks_nobody(
    shop: Shop, stream: FakeStream, subject: str
) -> None:
    offer = Offer()

    await stream.publish(f"{subject}.{offer.id}", b'{"id": {"$gt": ""}}', {})
    await deliver(stream, offer.created())

    (letter,) = stream.of("dead")
    assert letter.subject == f"dead.orders.{subject}.{offer.id}"
    assert letter.headers["Gittix-Reason"].startswith("does not parse: ")
    assert stream.sources["orders"].deliveries[0].outcome == "term"
    assert (await shop.post({"ticketId": offer.id})).status_code == 201
