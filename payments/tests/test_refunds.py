"""Refunds of complete orders: once in effect, whatever the provider answers, and never for ever undone."""

import asyncio
from typing import Any

import pytest

from common.base import times
from common.base.errors import Outage
from payments.domain import Outcome, Status
from payments.errors import OutcomeUnknown
from payments.fulfilment import settle_due
from payments.gateway import State
from tests.orders import AnOrder
from tests.shop import Shop


async def a_refunded_order(shop: Shop, token: str = "tok_visa") -> AnOrder:
    order = await shop.a_captured_order(token)
    await shop.receive(order.refunded())
    return order


async def an_unrefunded_order(shop: Shop) -> AnOrder:
    """An order whose refund is due, since the provider was away."""
    order = await shop.a_captured_order()
    shop.gateway.down = True
    await shop.receive(order.refunded())
    shop.gateway.down = False
    await shop.context.repositories.dues.hurry_all(times.now())
    return order


async def refunds(shop: Shop, order: AnOrder) -> list[dict[str, Any]]:
    return await shop.gateway.refunds.find({"order_id": order.id})


async def assert_refunded_once(shop: Shop, order: AnOrder) -> None:
    payment = await shop.payment(order)
    assert (payment.status, payment.outcome) == (Status.CAPTURED, Outcome.REFUNDED)
    assert [refund["amount_cents"] for refund in await refunds(shop, order)] == [order.price.cents]
    assert (await shop.published())[-1] == "payment.refunded:2"
    assert await shop.due(order) is None


async def test_a_refunded_order_has_its_money_back(shop: Shop) -> None:
    await assert_refunded_once(shop, await a_refunded_order(shop))


async def test_the_same_event_again_changes_nothing(shop: Shop) -> None:
    order = await shop.a_captured_order()
    event = order.refunded()
    for _ in range(3):
        await shop.receive(event)
        await shop.sweep()
    await assert_refunded_once(shop, order)
    assert shop.gateway.refunds_asked == 1


async def test_processes_that_refund_at_once_refund_once(shop: Shop) -> None:
    order = await an_unrefunded_order(shop)
    await asyncio.gather(*(settle_due(shop.context, order.id) for _ in range(8)))
    await shop.sweep()
    await assert_refunded_once(shop, order)


async def test_a_provider_that_is_away_holds_up_no_event_and_refunds_later(shop: Shop) -> None:
    order = await an_unrefunded_order(shop)
    shop.gateway.down = True
    assert await shop.context.repositories.orders.lookup(order.id) is not None
    await shop.sweep()
    assert (await shop.payment(order)).is_held
    shop.gateway.down = False
    await shop.sweep()
    await assert_refunded_once(shop, order)


@pytest.mark.parametrize("token", ["tok_refundTimeout", "tok_refundError"])
async def test_a_lost_or_failed_answer_is_followed_by_one_refund(shop: Shop, token: str) -> None:
    order = await a_refunded_order(shop, token)
    assert (await shop.payment(order)).is_held
    await shop.sweep()
    await assert_refunded_once(shop, order)


async def test_a_crash_after_the_providers_refund_is_made_good(shop: Shop) -> None:
    order = await shop.a_captured_order()

    async def crash() -> None:
        raise Outage("killed")

    shop.gateway.after_refund = crash
    await shop.receive(order.refunded())
    assert len(await refunds(shop, order)) == 1
    assert (await shop.payment(order)).is_held
    del shop.gateway.after_refund
    await shop.sweep()
    await assert_refunded_once(shop, order)


async def test_a_payment_that_is_not_captured_yet_is_captured_and_refunded(shop: Shop) -> None:
    order = await shop.a_paid_order()
    await shop.complete_unsettled(order)
    assert (await shop.payment(order)).status is Status.AUTHORIZED
    await shop.receive(order.refunded())
    await assert_refunded_once(shop, order)


async def test_an_authorisation_that_ran_out_is_voided_and_needs_no_refund(shop: Shop) -> None:
    order = await shop.a_paid_order()
    await shop.complete_unsettled(order)
    [intent] = await shop.intents(order)
    await shop.gateway.void(intent["_id"], "by the bank")
    await shop.receive(order.refunded())
    assert (await shop.payment(order)).status is Status.VOIDED
    assert await refunds(shop, order) == []
    assert await shop.due(order) is None
    assert await shop.states(order) == [State.VOIDED]


async def test_a_refusal_is_counted_and_tried_again_ever_more_rarely(shop: Shop) -> None:
    order = await a_refunded_order(shop, "tok_refundRefused")
    await shop.sweep()
    due = await shop.due(order)
    assert due is not None
    assert due.refusals == 2
    assert (due.due_at - due.since).total_seconds() >= 60
    assert (await shop.payment(order)).is_held


async def test_the_entries_of_a_refund_sum_to_zero(shop: Shop) -> None:
    payment = await shop.payment(await a_refunded_order(shop))
    amount = payment.amount.cents
    assert [(entry.account, entry.cents) for entry in payment.entries] == [
        ("provider", amount),
        ("held", -amount),
        ("held", amount),
        ("refunds", -amount),
    ]


async def test_the_first_decision_stays(shop: Shop) -> None:
    """Orders never decides twice; if it did, the money would go to one side alone."""
    order = await an_unrefunded_order(shop)
    await shop.receive(order.accepted())
    await shop.sweep()
    await assert_refunded_once(shop, order)


async def test_an_outcome_that_is_unknown_is_asked_for_at_growing_pauses(shop: Shop) -> None:
    order = await shop.a_captured_order()

    async def silent() -> None:
        raise OutcomeUnknown()

    shop.gateway.before_refund = silent
    await shop.receive(order.refunded())
    due = await shop.due(order)
    assert due is not None
    assert due.refusals == 0
    assert due.due_at > due.since
