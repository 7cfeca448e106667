"""What deadlines and the payment do to a fulfilment, in any order and with repetitions."""

from datetime import datetime, timedelta

import pytest

from common.base import times
from common.contract.events import DeadlinePassed
from common.messaging.stream import Stream
from common.persistence.mongo import Database
from common.testing.answers import message_of
from common.testing.events import deliver, emitted, outcomes, refused
from common.testing.fake_stream import FakeStream
from orders.fulfilment import sweep as jobs
from orders.fulfilment.sweep import sweep
from orders.publishers import publishers
from orders.repository import Repositories
from orders.sweep import GRACE
from tests.builders import TERMS, Json, Offer, Payment, Shop

NOW = timedelta(0)
CLAIM = {"reason": "not-valid", "words": "Refused at the door."}


def passed(order: Json, kind: str, version: int = 1) -> DeadlinePassed:
    return DeadlinePassed(order_id=order["id"], kind=kind, version=version)


async def state(shop: Shop, order: Json) -> tuple[str, int]:
    shown = await shop.shown(order)
    return shown["fulfilment"], shown["version"]


# Deadlines


async def test_what_is_not_handed_over_in_time_is_refunded(shop: Shop, stream: FakeStream) -> None:
    offer = Offer()
    order = await shop.a_sale(offer)
    await shop.let_deadline_pass(order, NOW)

    await deliver(stream, passed(order, "delivery"), passed(order, "delivery"))

    assert await state(shop, order) == ("refunded", 2)
    (refunded,) = await emitted(stream, "order.refunded", 1)
    assert datetime.fromisoformat(refunded.pop("at")) <= times.now()
    about = {"id": order["id"], "ticket": {"id": offer.id}, "sellerId": offer.seller_id}
    assert refunded == {**about, "version": 2}


async def test_what_nobody_claims_about_is_accepted(shop: Shop, stream: FakeStream) -> None:
    order = await shop.a_sale(Offer(), has_file=True)
    await shop.let_deadline_pass(order, NOW)

    await deliver(stream, passed(order, "acceptance"))

    assert await state(shop, order) == ("accepted", 2)
    await emitted(stream, "order.accepted", 1)


@pytest.mark.parametrize("has_file", [False, True])
async def test_an_early_deadline_waits_for_its_moment(shop: Shop, stream: FakeStream, has_file: bool) -> None:
    order = await shop.a_sale(Offer(), has_file=has_file)
    event = passed(order, "acceptance" if has_file else "delivery")

    await refused(stream, event)
    before = await state(shop, order)
    await shop.let_deadline_pass(order, NOW)
    await stream.settled()

    assert before == ("delivered" if has_file else "due", 1)
    assert await state(shop, order) == ("accepted" if has_file else "refunded", 2)
    assert outcomes(stream, event)[-1] == "ack"


async def test_a_deadline_that_no_longer_applies_is_dropped(shop: Shop, stream: FakeStream) -> None:
    offer = Offer()
    order = await shop.a_sale(offer)
    await shop.press(order, "delivery", offer.seller)

    await deliver(stream, passed(order, "delivery"), passed(order, "of a newer release"))
    assert await state(shop, order) == ("delivered", 2)
    assert set(outcomes(stream, passed(order, "delivery"))) == {"ack"}

    await shop.press(order, "claims", body=CLAIM)
    await deliver(stream, passed(order, "acceptance", 2))
    assert await state(shop, order) == ("disputed", 3)


@pytest.fixture
def repositories(database: Database, stream: Stream) -> Repositories:
    return Repositories.over(database, publishers(stream))


@pytest.mark.parametrize(("has_file", "end"), [(False, "refunded"), (True, "accepted")])
async def test_a_deadline_whose_timer_was_lost_is_swept_after_the_grace(
    shop: Shop, repositories: Repositories, has_file: bool, end: str
) -> None:
    order = await shop.a_sale(Offer(), has_file=has_file)

    await shop.let_deadline_pass(order, GRACE - timedelta(seconds=0.2))
    assert await sweep(repositories, TERMS) == 0
    await shop.let_deadline_pass(order, GRACE)
    await sweep(repositories, TERMS)

    assert await state(shop, order) == (end, 2)
    assert await sweep(repositories, TERMS) == 0


async def test_the_service_sweeps_by_itself(shop: Shop, stream: FakeStream) -> None:
    order = await shop.a_sale(Offer())
    await shop.let_deadline_pass(order, GRACE)

    await emitted(stream, "order.refunded", 1)

    assert await state(shop, order) == ("refunded", 2)
    assert jobs.JOB == "fulfilments"


async def test_a_decided_order_is_swept_no_more(shop: Shop, repositories: Repositories) -> None:
    offer = Offer()
    order = await shop.a_sale(offer, has_file=True)
    await shop.press(order, "claims", body=CLAIM)

    stored = await shop.database["orders"].find_one({"_id": order["id"]})
    assert stored is not None
    assert "deadline" not in stored
    assert await sweep(repositories, TERMS) == 0


# Orders of an older release


async def as_of_an_older_release(shop: Shop, order: Json, payment: str = "captured") -> None:
    fields = ("fulfilment", "deliver_by", "accept_by", "deadline", "seller_id")
    await shop.database["orders"].update_one(
        {"_id": order["id"]}, {"$unset": dict.fromkeys(fields, ""), "$set": {"payment": payment}}
    )


async def test_an_order_that_an_older_release_completed_may_be_claimed_about_for_a_week(
    shop: Shop, stream: FakeStream
) -> None:
    offer = Offer()
    order = await shop.a_sale(offer)
    before = times.now()
    await as_of_an_older_release(shop, order)

    # By the service's own job.
    (delivered,) = await emitted(stream, "order.delivered", 1)

    shown = await shop.shown(order)
    assert (shown["fulfilment"], shown["version"]) == ("delivered", 2)
    assert delivered["acceptBy"] == shown["acceptBy"]
    assert delivered["sellerId"] == offer.seller_id
    until = datetime.fromisoformat(shown["acceptBy"])
    assert before + timedelta(days=7) <= until <= times.now() + timedelta(days=7)
    assert (await shop.sale(order, offer.seller)).status_code == 200


async def test_one_whose_money_was_never_taken_is_never_paid_out(shop: Shop, stream: FakeStream) -> None:
    order = await shop.a_sale(Offer())
    await as_of_an_older_release(shop, order, "voided")

    await emitted(stream, "order.refunded", 1)

    assert await state(shop, order) == ("refunded", 2)


async def test_an_older_release_beside_reads_a_refunded_order_as_captured(
    shop: Shop, stream: FakeStream
) -> None:
    """It can't read a state that it doesn't know, and keeps fields that it doesn't know."""
    offer = Offer()
    order = await shop.a_sale(offer)
    await shop.press(order, "refund", offer.seller)
    await deliver(stream, Payment(order["id"]).captured(), Payment(order["id"]).refunded())

    stored = await shop.database["orders"].find_one({"_id": order["id"]})
    assert stored is not None
    assert (stored["payment"], stored["refunded"]) == ("captured", True)


# The payment


@pytest.mark.parametrize("has_file", [False, True])
async def test_a_dispute_at_the_bank_stops_the_sale_until_it_is_closed(
    shop: Shop, stream: FakeStream, has_file: bool
) -> None:
    offer = Offer()
    order = await shop.a_sale(offer, has_file=has_file)
    payment = Payment(order["id"])

    await deliver(stream, payment.disputed(), payment.disputed())

    shown = await shop.shown(order)
    assert (shown["fulfilment"], shown["cardDispute"], shown["version"]) == ("disputed", "open", 2)
    for user, action in ((offer.seller, "refund"), (shop.buyer, "acceptance")):
        answer = await shop.press(order, action, user)
        assert answer.json()["errors"][0]["code"] == "card-disputed"

    await deliver(stream, payment.disputed(is_open=False), payment.disputed())

    shown = await shop.shown(order)
    assert (shown["fulfilment"], shown["cardDispute"], shown["version"]) == ("disputed", "closed", 3)
    assert (await shop.press(order, "refund", offer.seller)).status_code == 202


async def test_a_dispute_after_the_end_is_only_recorded(shop: Shop, stream: FakeStream) -> None:
    order = await shop.a_sale(Offer(), has_file=True)
    await shop.press(order, "acceptance")

    await deliver(stream, Payment(order["id"]).disputed())

    shown = await shop.shown(order)
    assert (shown["fulfilment"], shown["cardDispute"]) == ("accepted", "open")
    assert stream.of("order.disputed") == []


async def test_money_that_went_back_by_another_way_is_never_paid_out(shop: Shop, stream: FakeStream) -> None:
    """Such as a refund on the provider's own page."""
    order = await shop.a_sale(Offer(), has_file=True)

    await deliver(stream, Payment(order["id"]).captured(), Payment(order["id"]).refunded())

    shown = await shop.shown(order)
    assert (shown["fulfilment"], shown["payment"], shown["version"]) == ("refunded", "refunded", 3)
    await emitted(stream, "order.refunded", 1)
    assert message_of(await shop.press(order, "acceptance"), 400).startswith("The buyer gets the money back")


async def test_the_seller_sees_the_payout(shop: Shop, stream: FakeStream) -> None:
    offer = Offer()
    order = await shop.a_sale(offer, has_file=True)
    await shop.press(order, "acceptance")

    await deliver(stream, Payment(order["id"]).paid_out(1_950), Payment(order["id"]).paid_out(1))

    assert (await shop.sale(order, offer.seller)).json()["payout"] == 19.5
    assert "payout" not in await shop.shown(order)


async def test_the_payments_news_about_an_order_that_is_not_complete_waits(
    shop: Shop, stream: FakeStream
) -> None:
    order = await shop.an_order()
    payment = Payment(order["id"])

    await refused(stream, payment.disputed())
    await refused(stream, payment.paid_out())
    await deliver(stream, payment.created())
    await stream.settled()

    assert (await shop.shown(order))["fulfilment"] == "disputed"
    assert stream.of("dead") == []
