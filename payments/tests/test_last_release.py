"""Attempts of the last release: they are finished, and no card is charged a second time for their order."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from common.base import times
from common.base.ids import new_id
from common.persistence.mongo import Document
from common.testing.clock import Clock
from payments.domain import Charge, ChargeStatus
from payments.gateway import State
from payments.settlement import apply_intent
from payments.sweep import sweep_charges
from tests.orders import AnOrder
from tests.shop import Shop

MINUTE = timedelta(seconds=60)
READ_BY_THE_LAST_RELEASE = frozenset(
    {"payment_id", "user_id", "status", "number", "key", "token", "amount_cents", "started_at", "words"}
)


def attempts(shop: Shop) -> Any:
    return shop.gateway.record.database["attempts"]


async def an_attempt(shop: Shop, order: AnOrder, state: str | None, number: int = 1) -> Document:
    """Stores an attempt under way as the last release does. `state`: Of its intent, if that was made."""
    now = times.now()
    fields = {
        "payment_id": new_id(),
        "user_id": order.buyer.id,
        "status": "authorizing",
        "number": number,
        "key": f"order:{order.id}:{number}",
        "token": "tok_visa",
        "amount_cents": order.price.cents,
        "started_at": now,
        "words": "",
        "check_at": now,
        "place_of": number,
    }
    await attempts(shop).update_one({"_id": order.id}, {"$set": fields}, upsert=True)
    intent: Document = {
        "_id": f"pi_fake_{order.id}_{number}",
        "key": fields["key"],
        "order_id": order.id,
        "attempt": number,
        "amount_cents": order.price.cents,
        "created_at": now,
        "state": state,
        "confirmed": "authorized",
        "words": "Your card was declined.",
        "error": False,
        "captures": 0,
        "voids": 0,
    }
    if state is not None:
        await shop.gateway.record.insert_one(intent)
    return intent


async def an_order(shop: Shop) -> AnOrder:
    """Order whose event the last release handled."""
    order = await shop.order()
    await attempts(shop).delete_many({})
    return order


async def charge_of(shop: Shop, order: AnOrder) -> Charge:
    charge = await shop.context.repositories.charges.find(order.id)
    assert charge is not None
    return charge


async def applied(shop: Shop, intent_id: str) -> None:
    """As after an event of the provider."""
    intent = await shop.gateway.retrieve(intent_id)
    assert intent is not None
    await apply_intent(shop.context, intent)


@pytest.mark.parametrize("end", [AnOrder.completed, AnOrder.cancelled])
async def test_an_attempt_that_reserved_money_pays_its_order(
    shop: Shop, end: Callable[[AnOrder], Any]
) -> None:
    order = await an_order(shop)
    await an_attempt(shop, order, "authorized")
    assert (await shop.pay(order)).status_code == 503
    assert await sweep_charges(shop.context) == 1
    assert (await shop.pay(order)).json()["status"] == "authorized"
    await shop.receive(end(order))
    assert await shop.states(order) == ["captured" if end is AnOrder.completed else "voided"]
    assert await sweep_charges(shop.context) == 0


async def test_an_attempt_that_awaits_its_owner_is_finished(shop: Shop) -> None:
    order = await an_order(shop)
    await an_attempt(shop, order, "awaiting")
    await sweep_charges(shop.context)
    assert (await shop.confirm(order)).json()["status"] == "authorized"
    assert await shop.states(order) == ["authorized"]


async def test_after_a_declined_attempt_the_next_card_is_confirmed_on_the_order_s_one_intent(
    shop: Shop,
) -> None:
    order = await an_order(shop)
    await an_attempt(shop, order, "declined")
    await sweep_charges(shop.context)
    assert (await shop.pay(order)).json()["status"] == "authorized"
    intents = [(i["attempt"], i["key"], i["state"]) for i in await shop.intents(order)]
    assert intents == [
        (1, f"order:{order.id}:1", "declined"),
        (2, f"order:{order.id}", "authorized"),
    ]
    assert (await charge_of(shop, order)).declines == 1


async def test_an_attempt_that_left_no_intent_ends_after_a_minute(shop: Shop, clock: Clock) -> None:
    order = await an_order(shop)
    await an_attempt(shop, order, None)
    await sweep_charges(shop.context)
    assert (await charge_of(shop, order)).status is ChargeStatus.CONFIRMING
    clock.now += MINUTE
    await sweep_charges(shop.context)
    assert (await shop.pay(order)).json()["status"] == "authorized"
    assert len(await shop.intents(order)) == 1


async def test_an_attempt_under_way_is_left_alone_by_the_look_at_the_order_s_own_intent(shop: Shop) -> None:
    order = await shop.order()
    await an_attempt(shop, order, None, 2)
    assert await sweep_charges(shop.context) == 2
    charge = await charge_of(shop, order)
    assert (charge.status, charge.intent_id != "") == (ChargeStatus.CONFIRMING, True)
    assert (await shop.pay(order)).status_code == 503
    assert shop.gateway.confirmations == 0


@pytest.mark.parametrize("find", [applied, None])
async def test_a_late_second_authorisation_is_voided(
    shop: Shop, clock: Clock, find: Callable[[Shop, str], Awaitable[None]] | None
) -> None:
    order = await shop.order()
    await shop.pay(order)
    payment = await shop.context.repositories.payments.of_order(order.id)
    stray = await an_attempt(shop, order, "authorized", 2)
    assert payment is not None
    if find is not None:
        await find(shop, stray["_id"])
    else:
        await sweep_charges(shop.context)
    states = {intent["_id"]: intent["state"] for intent in await shop.intents(order)}
    assert states == {payment.intent_id: "authorized", stray["_id"]: "voided"}
    clock.now += MINUTE
    assert await sweep_charges(shop.context) == 0


async def test_a_second_authorisation_whose_void_fails_is_voided_by_a_later_sweep(
    shop: Shop, clock: Clock
) -> None:
    order = await shop.order()
    await shop.pay(order)
    stray = await an_attempt(shop, order, "authorized", 2)

    async def fail() -> None:
        raise RuntimeError("killed")

    shop.gateway.before_void = fail
    await sweep_charges(shop.context)
    del shop.gateway.before_void
    clock.now += timedelta(seconds=5)
    await sweep_charges(shop.context)
    found = await shop.gateway.retrieve(stray["_id"])
    assert found is not None
    assert found.state is State.VOIDED


async def test_the_end_of_another_intent_leaves_the_payment_as_it_is(shop: Shop) -> None:
    order = await an_order(shop)
    other = await an_attempt(shop, order, "awaiting")
    await sweep_charges(shop.context)
    await shop.gateway.record.update_one({"_id": other["_id"]}, {"$set": {"confirmed": "declined"}})
    assert (await shop.confirm(order)).status_code == 402
    assert (await shop.pay(order)).json()["status"] == "authorized"
    await shop.gateway.void(other["_id"], "by hand")
    await applied(shop, other["_id"])
    assert await shop.published() == ["payment.awaiting:0", "payment.created:1"]
    await shop.receive(order.completed())
    assert await shop.states(order) == ["voided", "captured"]


async def test_an_order_that_an_attempt_paid_ends_its_unused_intent(shop: Shop) -> None:
    order = await shop.order()
    await sweep_charges(shop.context)
    await an_attempt(shop, order, "authorized", 2)
    await sweep_charges(shop.context)
    await shop.receive(order.completed())
    await shop.context.repositories.charges.hurry_all(times.now())
    await sweep_charges(shop.context)
    assert await shop.states(order) == ["voided", "captured"]


async def test_a_charge_has_the_fields_that_the_last_release_reads_and_is_open_to_its_next_attempt(
    shop: Shop,
) -> None:
    order = await shop.order()
    [document] = await attempts(shop).find({"_id": order.id})
    assert document.keys() >= READ_BY_THE_LAST_RELEASE
    # It begins number 2 where it finds number 1 in one of its states that allow another attempt.
    assert (document["number"], document["status"], "check_at" in document) == (1, "failed", False)
    await shop.pay(order)
    [document] = await attempts(shop).find({"_id": order.id})
    assert (document["number"], document["status"], "check_at" in document) == (1, "known", False)
    # It finds an intent by its order and number, as JSON of `metadata` has them.
    [intent] = await shop.intents(order)
    assert json.dumps([intent["order_id"], intent["attempt"]]) == json.dumps([order.id, 1])
