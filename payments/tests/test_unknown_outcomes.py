"""Unknown outcomes: if the provider does not answer, every charge stays tracked and happens at most once."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from common.base import times
from common.base.identity import CurrentUser
from payments import commands
from payments.context import PaymentContext, Timing
from payments.domain import AttemptStatus
from payments.errors import OutcomeUnknown
from payments.sweep import OpenPayments, sweep_attempts
from tests.shop import Shop


def impatient(shop: Shop, **changes: timedelta) -> PaymentContext:
    """Context with other timing, for a sweep."""
    return replace(shop.context, timing=replace(shop.context.timing, **changes))


async def status_of(shop: Shop, order_id: str) -> AttemptStatus:
    attempt = await shop.context.repositories.attempts.find(order_id)
    assert attempt is not None
    return attempt.status


async def due_again(shop: Shop, order_id: str) -> None:
    attempt = await shop.context.repositories.attempts.find(order_id)
    assert attempt is not None
    await shop.context.repositories.attempts.postpone(attempt, times.now())


async def test_an_answer_that_was_lost_is_looked_up_at_once(shop: Shop) -> None:
    order = await shop.order()
    answer = await shop.pay(order, "tok_timeout")
    assert (answer.status_code, answer.json()["status"]) == (201, "authorized")
    assert await shop.states(order) == ["authorized"]


async def test_a_provider_that_is_down_is_unavailable_and_no_charge_is_sent_twice(shop: Shop) -> None:
    order = await shop.order()
    shop.gateway.down = True
    for _ in range(2):
        answer = await shop.pay(order)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert await sweep_attempts(shop.context) == 1
    assert await status_of(shop, order.id) is AttemptStatus.AUTHORIZING


async def test_an_attempt_that_never_arrived_is_sent_again_with_its_own_key(shop: Shop) -> None:
    order = await shop.order()
    shop.gateway.down = True
    await shop.pay(order)
    shop.gateway.down = False
    await sweep_attempts(shop.context)
    [intent] = await shop.intents(order)
    assert (intent["key"], intent["state"]) == (f"order:{order.id}:1", "authorized")
    assert await shop.published() == ["payment.created:0"]
    assert (await shop.pay(order, "tok_mastercard")).json()["status"] == "authorized"
    assert len(await shop.intents(order)) == 1


@pytest.mark.parametrize("token", ["tok_visa", "tok_chargeDeclined", "tok_nobody", "tok_threeDSecure"])
async def test_every_later_outcome_is_recorded(shop: Shop, token: str) -> None:
    order = await shop.order()
    shop.gateway.down = True
    await shop.pay(order, token)
    shop.gateway.down = False
    await sweep_attempts(shop.context)
    expected = {"tok_chargeDeclined": AttemptStatus.DECLINED, "tok_nobody": AttemptStatus.FAILED}
    assert await status_of(shop, order.id) is expected.get(token, AttemptStatus.RESOLVED)


async def test_an_order_that_ended_meanwhile_is_not_charged_any_more(shop: Shop) -> None:
    order = await shop.order()
    shop.gateway.down = True
    await shop.pay(order)
    await shop.receive(order.cancelled())
    shop.gateway.down = False
    await sweep_attempts(shop.context)
    assert await shop.intents(order) == []
    await due_again(shop, order.id)
    await sweep_attempts(impatient(shop, give_up=timedelta(0)))
    assert await status_of(shop, order.id) is AttemptStatus.FAILED


async def test_money_that_turns_out_reserved_for_a_cancelled_order_is_voided(shop: Shop) -> None:
    order = await shop.order()

    async def lose_the_provider() -> None:
        shop.gateway.down = True

    shop.gateway.before_authorize = lose_the_provider
    answer = await shop.pay(order, "tok_timeout")
    assert answer.status_code == 503
    assert await shop.states(order) == ["authorized"]
    await shop.receive(order.cancelled())
    shop.gateway.down = False
    await sweep_attempts(shop.context)
    assert await shop.states(order) == ["voided"]
    assert await shop.published() == ["payment.created:0", "payment.voided:1"]


async def test_a_500_is_final_only_after_a_while_then_another_card_may_be_tried(shop: Shop) -> None:
    order = await shop.order()
    assert (await shop.pay(order, "tok_error")).status_code == 503
    await sweep_attempts(shop.context)
    assert (await shop.pay(order)).status_code == 503
    await due_again(shop, order.id)
    await sweep_attempts(impatient(shop, give_up=timedelta(0)))
    assert (await shop.pay(order)).status_code == 201
    keys = [(intent["key"][-1], intent["state"]) for intent in await shop.intents(order)]
    assert keys == [("1", "pending"), ("2", "authorized")]


async def test_a_provider_that_is_down_is_never_taken_for_a_decline(shop: Shop) -> None:
    order = await shop.order()
    shop.gateway.down = True
    await shop.pay(order)
    await sweep_attempts(impatient(shop, give_up=timedelta(0)))
    assert await status_of(shop, order.id) is AttemptStatus.AUTHORIZING


async def test_a_due_attempt_is_looked_at_by_one_at_a_time(shop: Shop) -> None:
    order = await shop.order()
    shop.gateway.down = True
    await shop.pay(order)
    attempts = shop.context.repositories.attempts
    [seen] = await attempts.due(times.now(), 10)
    later = times.now() + timedelta(seconds=60)
    assert await attempts.lease(seen, later)
    assert not await attempts.lease(seen, later)
    assert await attempts.due(times.now(), 10) == []


async def test_attempts_are_left_to_their_requests_first(shop: Shop) -> None:
    order = await shop.order()
    shop.gateway.down = True
    patient = replace(shop.context, timing=Timing())
    with pytest.raises(OutcomeUnknown):
        await commands.pay(patient, CurrentUser(order.buyer.id), order.id, "tok_visa")
    assert await sweep_attempts(patient) == 0


async def test_a_step_that_was_taken_without_a_confirm_is_noticed(shop: Shop) -> None:
    order = await shop.order()
    await shop.pay(order, "tok_threeDSecure")
    sweep = OpenPayments(shop.context)
    await sweep.sweep()
    assert await shop.published() == ["payment.awaiting:0"]
    [intent] = await shop.intents(order)
    await shop.gateway.confirm(intent["_id"])
    await OpenPayments(shop.context).sweep()
    assert await shop.published() == ["payment.awaiting:0", "payment.created:1"]


async def test_a_payment_is_left_alone_at_first_and_then_less_and_less(shop: Shop) -> None:
    await shop.pay(await shop.order(), "tok_threeDSecure")
    sweep = OpenPayments(impatient(shop, first_pause=timedelta(seconds=0.05)))
    assert await sweep.sweep() == 0
    await asyncio.sleep(0.06)
    assert [await sweep.sweep(), await sweep.sweep()] == [1, 0]
