"""Unknown outcomes: if the provider does not answer, every charge stays tracked and happens at most once."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from common.base.identity import CurrentUser
from payments import commands
from payments.context import PaymentContext, Timing
from payments.domain import ChargeStatus
from payments.errors import OutcomeUnknown
from payments.sweep import OpenPayments, sweep_charges
from tests.orders import AnOrder
from tests.shop import Shop
from tests.steered import noop


def impatient(shop: Shop, **changes: timedelta) -> PaymentContext:
    """Context with other timing, for a sweep."""
    return replace(shop.context, timing=replace(shop.context.timing, **changes))


async def status_of(shop: Shop, order_id: str) -> ChargeStatus:
    charge = await shop.context.repositories.charges.find(order_id)
    assert charge is not None
    return charge.status


async def an_unanswered_card(shop: Shop, token: str = "tok_visa", *, is_done: bool = True) -> AnOrder:
    """Order whose card the provider confirmed, or not, without an answer to the request or its look-up."""
    order = await shop.order()

    async def lose_the_provider() -> None:
        shop.gateway.down = True
        if not is_done:
            raise OutcomeUnknown()

    shop.gateway.before_confirm = lose_the_provider
    shop.gateway.after_confirm = lose_the_answer
    assert (await shop.pay(order, token)).status_code == 503
    shop.gateway.before_confirm = shop.gateway.after_confirm = noop
    shop.gateway.down = False
    return order


async def lose_the_answer() -> None:
    raise OutcomeUnknown()


async def test_an_answer_that_was_lost_is_looked_up_at_once(shop: Shop) -> None:
    order = await shop.order()
    answer = await shop.pay(order, "tok_timeout")
    assert (answer.status_code, answer.json()["status"]) == (201, "authorized")
    assert await shop.states(order) == ["authorized"]


async def test_a_provider_that_is_down_is_unavailable_and_no_card_is_sent_to_it(shop: Shop) -> None:
    order = await shop.order()
    shop.gateway.down = True
    for _ in range(2):
        answer = await shop.pay(order)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert await status_of(shop, order.id) is ChargeStatus.READY
    assert shop.gateway.confirmations == 0


@pytest.mark.parametrize("token", ["tok_visa", "tok_timeout", "tok_chargeDeclined", "tok_threeDSecure"])
async def test_an_outcome_without_an_answer_is_found_out_and_no_card_is_sent_twice(
    shop: Shop, token: str
) -> None:
    order = await an_unanswered_card(shop, token)
    assert (await shop.pay(order)).status_code == 503
    assert await sweep_charges(shop.context) == 1
    declined = token == "tok_chargeDeclined"
    assert await status_of(shop, order.id) is (ChargeStatus.DECLINED if declined else ChargeStatus.RESOLVED)
    events = {"tok_chargeDeclined": [], "tok_threeDSecure": ["payment.awaiting:0"]}
    assert await shop.published() == events.get(token, ["payment.created:0"])
    assert shop.gateway.confirmations == 1


async def test_a_card_that_never_arrived_is_found_out_and_another_may_be_tried(shop: Shop) -> None:
    order = await an_unanswered_card(shop, is_done=False)
    assert (await shop.pay(order)).status_code == 503
    await sweep_charges(shop.context)
    assert await status_of(shop, order.id) is ChargeStatus.READY
    assert (await shop.pay(order, "tok_mastercard")).json()["status"] == "authorized"
    assert await shop.states(order) == ["authorized"]


async def test_the_decline_of_an_earlier_card_is_not_taken_for_that_of_a_card_that_never_arrived(
    shop: Shop,
) -> None:
    order = await shop.order()
    await shop.pay(order, "tok_chargeDeclined")

    async def lose() -> None:
        raise OutcomeUnknown()

    shop.gateway.before_confirm = lose
    assert (await shop.pay(order)).status_code == 503
    assert await status_of(shop, order.id) is ChargeStatus.CONFIRMING
    await sweep_charges(shop.context)
    charge = await shop.context.repositories.charges.find(order.id)
    assert charge is not None
    assert (charge.status, charge.declines) == (ChargeStatus.READY, 1)


async def test_an_order_that_ended_meanwhile_is_not_charged_any_more(shop: Shop) -> None:
    order = await an_unanswered_card(shop, is_done=False)
    await shop.receive(order.cancelled())
    await sweep_charges(shop.context)
    assert await shop.states(order) == ["voided"]
    assert await status_of(shop, order.id) is ChargeStatus.READY
    assert await sweep_charges(shop.context) == 0


async def test_money_that_turns_out_reserved_for_a_cancelled_order_is_voided(shop: Shop) -> None:
    order = await an_unanswered_card(shop)
    assert await shop.states(order) == ["authorized"]
    await shop.receive(order.cancelled())
    await sweep_charges(shop.context)
    assert await shop.states(order) == ["voided"]
    assert await shop.published() == ["payment.created:0", "payment.voided:1"]


async def test_after_a_500_the_sweep_finds_no_outcome_and_another_card_may_be_tried(shop: Shop) -> None:
    order = await shop.order()
    assert (await shop.pay(order, "tok_error")).status_code == 503
    assert (await shop.pay(order)).status_code == 503
    await sweep_charges(shop.context)
    assert (await shop.pay(order)).status_code == 201
    assert await shop.states(order) == ["authorized"]


async def test_a_provider_that_is_down_is_never_taken_for_a_decline(shop: Shop) -> None:
    order = await an_unanswered_card(shop)
    shop.gateway.down = True
    await sweep_charges(shop.context)
    assert await status_of(shop, order.id) is ChargeStatus.CONFIRMING


async def test_cards_are_left_to_their_requests_first(shop: Shop) -> None:
    order = await shop.order()
    await sweep_charges(shop.context)
    patient = replace(shop.context, timing=Timing())
    shop.gateway.before_confirm = lose_the_answer
    with pytest.raises(OutcomeUnknown):
        await commands.pay(patient, CurrentUser(order.buyer.id), order.id, "tok_visa")
    assert await sweep_charges(patient) == 0


async def test_a_step_that_was_taken_without_a_confirm_is_noticed(shop: Shop) -> None:
    order = await shop.order()
    await shop.pay(order, "tok_threeDSecure")
    sweep = OpenPayments(shop.context)
    await sweep.sweep()
    assert await shop.published() == ["payment.awaiting:0"]
    [intent] = await shop.intents(order)
    await shop.gateway.after_step(intent["_id"])
    await OpenPayments(shop.context).sweep()
    assert await shop.published() == ["payment.awaiting:0", "payment.created:1"]


async def test_a_payment_is_left_alone_at_first_and_then_less_and_less(shop: Shop) -> None:
    await shop.pay(await shop.order(), "tok_threeDSecure")
    sweep = OpenPayments(impatient(shop, first_pause=timedelta(seconds=0.05)))
    assert await sweep.sweep() == 0
    await asyncio.sleep(0.06)
    assert [await sweep.sweep(), await sweep.sweep()] == [1, 0]
