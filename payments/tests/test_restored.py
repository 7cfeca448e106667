"""Payments of a restored database are as their events, their orders and the provider say."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from common.base import times
from common.persistence.mongo import ASCENDING, Database
from common.testing.fake_stream import FakeStream
from payments import restored as mechanism
from payments.domain import ChargeStatus, Outcome
from payments.errors import OutcomeUnknown
from payments.restored import restored
from payments.sweep import sweep_charges, sweep_dues
from tests.orders import AnOrder
from tests.shop import Shop

Documents = list[dict[str, Any]]
OWN = ("payments", "attempts", "orders")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.persistence.rebuild.DOUBT_SECONDS", 0.001)


async def backup(database: Database) -> dict[str, Documents]:
    """Once no event waits in an outbox."""
    while await database["payments"].count_documents({"outbox.0": {"$exists": True}}):
        await asyncio.sleep(0.005)
    return {name: await database[name].find({}, sort=[("_id", ASCENDING)]) for name in OWN}


async def restore(database: Database, copy: dict[str, Documents]) -> None:
    """The provider's record, which the fake one stores in the same database, is not restored."""
    for name, documents in copy.items():
        await database[name].delete_many({})
        if documents:
            await database[name].insert_many(documents)


async def run(shop: Shop, database: Database) -> str:
    return await restored(shop.stream, database, shop.gateway)


async def in_every_state(shop: Shop) -> list[AnOrder]:
    """Orders that are authorised, captured, voided, await their owner, were declined, and are not paid.

    And one that was refunded, and one whose seller was paid.
    """
    orders = [await shop.order() for _ in range(8)]
    authorized, captured, voided, awaiting, refunded, paid, declined, _ = orders
    for order in (authorized, captured, voided, refunded, paid):
        await shop.pay(order)
    await shop.pay(awaiting, "tok_threeDSecure")
    await shop.pay(declined, "tok_chargeDeclined")
    await shop.receive(captured.completed())
    await shop.receive(refunded.completed())
    await shop.receive(refunded.refunded())
    await shop.receive(paid.completed())
    paid.seller_id = (await shop.a_seller()).id
    await shop.receive(paid.accepted())
    assert (await shop.payment(paid)).outcome is Outcome.PAID_OUT
    await shop.receive(voided.cancelled())
    await sweep_charges(shop.context)
    return orders


async def test_payments_in_every_state_are_as_they_were(shop: Shop, database: Database) -> None:
    authorized, *_, declined, _ = await in_every_state(shop)
    copy = await backup(database)
    await shop.receive(authorized.completed())
    await shop.pay(declined, "tok_visa")
    await in_every_state(shop)
    expected, published = await backup(database), await shop.published()
    states = [intent["state"] for intent in await shop.gateway.record.find({})]
    await restore(database, copy)

    text = await run(shop, database)

    await sweep_dues(shop.context)
    after = await backup(database)
    assert list(map(_timeless, after["payments"])) == list(map(_timeless, expected["payments"]))
    assert after["orders"] == expected["orders"]
    assert list(map(_number, after["attempts"])) == list(map(_number, expected["attempts"]))
    assert await shop.published() == published
    assert [intent["state"] for intent in await shop.gateway.record.find({})] == states
    assert "1 brought to their last published version, 7 put back" in text


def _timeless(payment: dict[str, Any]) -> dict[str, Any]:
    """A payment whose entries have no time: a movement since the backup has that of the restoring."""
    entries = [{**entry, "at": None} for entry in payment.get("entries", [])]
    return {**payment, "entries": entries}


def _number(charge: dict[str, Any]) -> tuple[Any, ...]:
    """Of a charge, with its intent and the time of the next look."""
    return charge["_id"], charge["number"], charge["intent_id"], charge.get("due_at")


async def test_a_card_that_was_authorised_since_pays_its_order_and_is_not_asked_again(
    shop: Shop, stream: FakeStream, database: Database
) -> None:
    order = await shop.order()
    copy = await backup(database)
    await shop.pay(order)
    await backup(database)
    # The payment's event was in the outbox of the lost database.
    stream.messages = [m for m in stream.messages if not m.subject.startswith("payment.")]
    stream._ids.clear()
    await restore(database, copy)

    await run(shop, database)

    assert await shop.published() == ["payment.created:0"]
    assert (await shop.pay(order)).status_code == 201
    assert await shop.states(order) == ["authorized"]
    await shop.receive(order.completed())
    assert await shop.states(order) == ["captured"]


async def test_a_card_that_was_authorised_since_for_an_order_that_ended_is_voided(
    shop: Shop, stream: FakeStream, database: Database
) -> None:
    order = await shop.order()
    copy = await backup(database)
    await shop.pay(order)
    await backup(database)
    stream.messages = [m for m in stream.messages if not m.subject.startswith("payment.")]
    stream._ids.clear()
    await restore(database, copy)
    await shop.receive(order.cancelled())

    await run(shop, database)

    assert await shop.states(order) == ["voided"]
    assert await shop.published() == ["payment.created:0", "payment.voided:1"]


@pytest.mark.parametrize("is_made", [True, False])
async def test_a_decline_since_is_known_and_another_card_has_a_key_of_its_own(
    shop: Shop, database: Database, is_made: bool
) -> None:
    order = await shop.order()
    if is_made:
        await sweep_charges(shop.context)
    copy = await backup(database)
    await shop.pay(order, "tok_chargeDeclined")
    await restore(database, copy)

    await run(shop, database)

    charge = await shop.context.repositories.charges.find(order.id)
    assert charge is not None
    assert (charge.status, charge.declines) == (ChargeStatus.DECLINED, 1)
    assert (await shop.pay(order)).status_code == 201
    assert await shop.states(order) == ["authorized"]


async def test_a_step_that_was_asked_for_since_on_an_intent_of_the_backup_can_be_taken(
    shop: Shop, database: Database
) -> None:
    order = await shop.order()
    await sweep_charges(shop.context)
    await shop.gateway.record.update_many({}, {"$set": {"created_at": times.now() - timedelta(days=1)}})
    copy = await backup(database)
    asked = await shop.pay(order, "tok_threeDSecure")
    await backup(database)
    await restore(database, copy)

    await run(shop, database)

    assert (await shop.pay(order)).json() == asked.json()
    assert (await shop.confirm(order)).json()["status"] == "authorized"


async def test_a_run_that_the_provider_broke_off_goes_on_from_the_same_moment(
    shop: Shop, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await shop.order()
    await shop.pay(first)
    copy = await backup(database)
    later = [await shop.order() for _ in range(3)]
    for order in later:
        await shop.pay(order)
    expected = await backup(database)
    await restore(database, copy)

    async def down(*_: object) -> bool:
        raise OutcomeUnknown

    with monkeypatch.context() as broken:
        broken.setattr(mechanism, "_apply", down)
        with pytest.raises(OutcomeUnknown):
            await run(shop, database)
    began = await database["restoring"].find_one({"_id": "since"})

    text = await run(shop, database)

    assert began is not None
    assert f"intents since {times.iso(began['at'])}" in text
    await sweep_dues(shop.context)
    after = await backup(database)
    assert list(map(_timeless, after["payments"])) == list(map(_timeless, expected["payments"]))
    assert {one["status"] for one in after["attempts"]} == {"known"}
    assert await database["restoring"].count_documents({}) == 0
