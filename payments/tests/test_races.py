"""Races between a payment and the order's end: the money is taken if and only if the order completed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from payments.context import Timing
from payments.domain import ChargeStatus
from payments.errors import OutcomeUnknown
from payments.sweep import OpenPayments, sweep_charges
from tests.orders import AnOrder
from tests.shop import Shop

END = {"cancelled": AnOrder.cancelled, "completed": AnOrder.completed}
SETTLED = {"cancelled": "voided", "completed": "captured"}


def once(action: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """Hook that acts the first time only, because its effects may reach the same point again."""
    done = False

    async def hook() -> None:
        nonlocal done
        if not done:
            done = True
            await action()

    return hook


async def lose_the_answer() -> None:
    raise OutcomeUnknown()


def ends(shop: Shop, order: AnOrder, end: str) -> Callable[[], Awaitable[None]]:
    return once(lambda: shop.receive(END[end](order)))


@pytest.mark.parametrize("end", END)
async def test_the_end_comes_after_the_payment(shop: Shop, end: str) -> None:
    order = await shop.order()
    assert (await shop.pay(order)).status_code == 201
    await shop.receive(END[end](order))
    assert await shop.states(order) == [SETTLED[end]]
    assert await shop.published() == ["payment.created:0", f"payment.{SETTLED[end]}:1"]


async def test_the_order_is_cancelled_before_the_provider_reserves(shop: Shop) -> None:
    order = await shop.order()
    shop.gateway.before_confirm = ends(shop, order, "cancelled")
    answer = await shop.pay(order)
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (
        400,
        "Cannot pay for a cancelled order",
    )
    assert await shop.states(order) == ["voided"]


async def test_the_order_is_cancelled_after_the_provider_reserved_and_before_it_is_saved(shop: Shop) -> None:
    order = await shop.order()
    shop.gateway.after_confirm = ends(shop, order, "cancelled")
    assert (await shop.pay(order)).status_code == 400
    assert await shop.states(order) == ["voided"]
    assert await shop.published() == ["payment.created:0", "payment.voided:1"]


@pytest.mark.parametrize("end", END)
async def test_the_end_comes_right_after_the_save(
    shop: Shop, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await shop.order()
    payments = shop.context.repositories.payments
    save, hook = payments.save, ends(shop, order, end)

    async def save_then_end(payment: Any) -> None:
        await save(payment)
        await hook()

    monkeypatch.setattr(payments, "save", save_then_end)
    await shop.pay(order)
    assert await shop.states(order) == [SETTLED[end]]
    [intent] = await shop.intents(order)
    assert (intent["captures"], intent["voids"]) == ((1, 0) if end == "completed" else (0, 1))


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("end", END)
async def test_two_settle_at_once(shop: Shop, end: str, moment: str) -> None:
    """The sweep overtakes the listener, before or after the provider settles."""
    order = await shop.order()
    await shop.pay(order)

    async def overtake() -> None:
        await OpenPayments(shop.context).sweep()

    act = "capture" if end == "completed" else "void"
    setattr(shop.gateway, f"{moment}_{act}", once(overtake))
    await shop.receive(END[end](order))
    [intent] = await shop.intents(order)
    assert (intent["state"], intent[f"{act}s"]) == (SETTLED[end], 1)
    assert await shop.published() == ["payment.created:0", f"payment.{SETTLED[end]}:1"]


async def test_an_order_cancelled_while_its_owner_takes_the_step(shop: Shop) -> None:
    order = await shop.order()
    await shop.pay(order, "tok_threeDSecure")
    await shop.receive(order.updated("awaiting:payment"))
    await shop.receive(order.cancelled())
    assert await shop.states(order) == ["voided"]
    assert (await shop.confirm(order)).status_code == 400
    assert await shop.published() == ["payment.awaiting:0", "payment.voided:1"]


async def test_a_buyer_whose_order_was_cancelled_meanwhile_is_not_told_that_it_is_paid(shop: Shop) -> None:
    """The answer to the void is lost: the payment is authorised here, and voided at the provider."""
    order = await shop.order()
    shop.gateway.after_confirm = ends(shop, order, "cancelled")
    shop.gateway.after_void = once(lose_the_answer)

    answer = await shop.pay(order)

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "order-cancelled")
    await OpenPayments(shop.context).sweep()
    assert await shop.states(order) == ["voided"]


async def test_an_order_cancelled_between_two_cards(shop: Shop) -> None:
    """The first card's step failed; the order ends during the second card's authorisation."""
    order = await shop.order()
    await shop.pay(order, "tok_threeDSecureDeclined")
    await shop.confirm(order)
    shop.gateway.after_confirm = ends(shop, order, "cancelled")
    assert (await shop.pay(order)).status_code == 400
    assert await shop.states(order) == ["voided"]


async def test_an_order_that_is_not_paid_ends_with_its_intent(shop: Shop) -> None:
    unpaid, declined = await shop.order(), await shop.order()
    await shop.pay(declined, "tok_chargeDeclined")
    assert await sweep_charges(shop.context) == 2
    for order in (unpaid, declined):
        await shop.receive(order.cancelled())
    assert await sweep_charges(shop.context) == 2
    assert [await shop.states(order) for order in (unpaid, declined)] == [["voided"]] * 2
    assert await sweep_charges(shop.context) == 0
    assert await shop.published() == []


async def test_an_order_that_is_cancelled_while_its_intent_is_made(shop: Shop) -> None:
    order = await shop.order()
    shop.gateway.before_create = ends(shop, order, "cancelled")
    assert [await sweep_charges(shop.context) for _ in range(3)] == [1, 1, 0]
    assert await shop.states(order) == ["voided"]


async def test_a_card_that_is_confirmed_late_meets_a_cancelled_intent(shop: Shop) -> None:
    order = await shop.order()

    async def cancelled_and_swept() -> None:
        await shop.receive(order.cancelled())
        await sweep_charges(shop.context)

    shop.gateway.before_confirm = once(cancelled_and_swept)
    answer = await shop.pay(order)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "order-cancelled")
    assert await shop.states(order) == ["voided"]


class TestManyRequests:
    @pytest.fixture
    def timing(self, timing: Timing) -> Timing:
        """Requests that wait for longer than the slowest machine takes to answer the first one."""
        return replace(timing, wait=timedelta(seconds=30))

    async def test_other_requests_wait_for_the_one_that_calls_the_provider(self, shop: Shop) -> None:
        order = await shop.order()
        shop.gateway.before_confirm = lambda: asyncio.sleep(0.05)
        answers = await asyncio.gather(*(shop.pay(order) for _ in range(20)))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert shop.gateway.confirmations == 1

    async def test_waiting_requests_receive_the_decline(self, shop: Shop) -> None:
        order = await shop.order()
        shop.gateway.before_confirm = lambda: asyncio.sleep(0.05)
        answers = await asyncio.gather(*(shop.pay(order, "tok_chargeDeclined") for _ in range(5)))
        assert {answer.status_code for answer in answers} == {402}
        assert shop.gateway.confirmations == 1

    async def test_of_two_retries_one_calls_the_provider(self, shop: Shop) -> None:
        order = await shop.order()
        await shop.pay(order, "tok_chargeDeclined")
        shop.gateway.before_confirm = lambda: asyncio.sleep(0.05)
        answers = await asyncio.gather(shop.pay(order), shop.pay(order, "tok_mastercard"))
        assert [answer.status_code for answer in answers] == [201, 201]
        assert (await shop.states(order), shop.gateway.confirmations) == (["authorized"], 2)


async def test_waiting_is_bounded(shop: Shop) -> None:
    order = await shop.order()
    release = asyncio.Event()

    async def wait() -> None:
        await release.wait()

    shop.gateway.before_confirm = wait
    first = asyncio.create_task(shop.pay(order))
    while shop.gateway.confirmations == 0:
        await asyncio.sleep(0.001)
    second = await shop.pay(order)
    assert (second.status_code, "retry-after" in second.headers) == (503, True)
    release.set()
    assert (await first).status_code == 201
    assert shop.gateway.confirmations == 1


async def test_a_card_that_comes_late_when_another_paid_reserves_nothing(shop: Shop) -> None:
    """The first card's request is under way for so long that the sweep allows another card."""
    order = await shop.order()

    async def overtaken() -> None:
        assert await sweep_charges(shop.context) == 1
        assert (await shop.pay(order, "tok_mastercard")).status_code == 201

    shop.gateway.before_confirm = once(overtaken)
    assert (await shop.pay(order)).status_code == 201
    assert await shop.states(order) == ["authorized"]
    await shop.receive(order.completed())
    assert await shop.states(order) == ["captured"]
    assert await shop.published() == ["payment.created:0", "payment.captured:1"]


async def test_an_authorisation_that_comes_after_the_sweep_found_none_pays_the_order(shop: Shop) -> None:
    order = await shop.order()

    async def swept() -> None:
        assert await sweep_charges(shop.context) == 1
        charge = await shop.context.repositories.charges.find(order.id)
        assert charge is not None
        assert charge.status is ChargeStatus.READY

    shop.gateway.before_confirm = once(swept)
    assert (await shop.pay(order)).json()["status"] == "authorized"
    assert await shop.published() == ["payment.created:0"]


async def test_a_crash_after_the_provider_reserved(shop: Shop) -> None:
    """After a kill before any save, the sweep finds the authorised money and stores the payment."""
    order = await shop.order()

    async def crash() -> None:
        raise RuntimeError("killed")

    shop.gateway.after_confirm = once(crash)
    assert (await shop.pay(order)).status_code == 500
    assert await shop.published() == []
    assert await sweep_charges(shop.context) == 1
    assert await shop.published() == ["payment.created:0"]
    assert await shop.states(order) == ["authorized"]
    assert await sweep_charges(shop.context) == 0


async def test_a_crash_between_the_payment_and_its_charge_leaves_nothing_due_for_ever(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The charge stays due after a kill; the order ends before the sweep looks it up."""
    order = await shop.order()

    async def crash(*_: object) -> bool:
        raise RuntimeError("killed")

    with monkeypatch.context() as killed:
        killed.setattr(shop.context.repositories.charges, "finish", crash)
        assert (await shop.pay(order)).status_code == 500
    await shop.receive(order.completed())
    assert [await sweep_charges(shop.context) for _ in range(2)] == [1, 0]
    charge = await shop.context.repositories.charges.find(order.id)
    assert charge is not None
    assert charge.status is ChargeStatus.RESOLVED


@pytest.mark.parametrize("end", END)
async def test_a_crash_after_the_provider_settled(shop: Shop, end: str) -> None:
    """After a kill before the save, the redelivered event settles again, and the money moves once."""
    order = await shop.order()
    await shop.pay(order)

    async def crash() -> None:
        raise RuntimeError("killed")

    act = "capture" if end == "completed" else "void"
    setattr(shop.gateway, f"after_{act}", once(crash))
    await shop.receive(END[end](order))
    [intent] = await shop.intents(order)
    assert intent[f"{act}s"] == 1
    assert await shop.published() == ["payment.created:0", f"payment.{SETTLED[end]}:1"]


async def test_the_end_was_stored_and_the_money_not_settled(shop: Shop) -> None:
    """After a kill between the two and the loss of the message, the sweep settles."""
    order = await shop.order()
    await shop.pay(order)
    event = order.completed()
    await shop.context.repositories.orders.apply(event.id, event.version, {"status": "complete"})
    sweep = OpenPayments(shop.context)
    assert await sweep.sweep() == 1
    assert await shop.states(order) == ["captured"]
    assert await sweep.sweep() == 0


async def test_a_provider_that_is_down_when_the_order_ends(shop: Shop) -> None:
    order = await shop.order()
    await shop.pay(order)
    shop.gateway.down = True
    receiving = asyncio.create_task(shop.receive(order.completed()))
    await asyncio.sleep(0.2)
    [source] = shop.stream.sources.values()
    assert source.deliveries[-1].outcome == "nak"
    assert await shop.states(order) == ["authorized"]
    shop.gateway.down = False
    await receiving
    assert await shop.states(order) == ["captured"]


async def test_a_cancelled_order_whose_void_fails_is_voided_by_the_sweep(shop: Shop) -> None:
    order = await shop.order()
    shop.gateway.after_confirm = ends(shop, order, "cancelled")
    shop.gateway.before_void = once(lose_the_answer)
    assert (await shop.pay(order)).status_code == 400
    assert await shop.states(order) == ["authorized"]
    assert await sweep_charges(shop.context) == 1
    assert await shop.states(order) == ["voided"]
    charge = await shop.context.repositories.charges.find(order.id)
    assert charge is not None
    assert charge.status is ChargeStatus.RESOLVED
