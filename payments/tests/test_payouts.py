"""Payouts of accepted orders: once in effect, to a seller who can be paid, and never beside a refund."""

import asyncio
from decimal import Decimal

import pytest

from common.base import times
from common.base.errors import Outage
from common.base.money import Money
from common.testing.browser import a_user
from payments import payouts
from payments.domain import Outcome, Status
from payments.fulfilment import settle_due
from payments.ledger import less_fee
from payments.settings import Settings
from payments.sweep import sweep_dues
from tests.orders import AnOrder
from tests.shop import Shop


async def assert_paid_once(shop: Shop, order: AnOrder, cents: int = 1999) -> None:
    payment = await shop.payment(order)
    assert (payment.status, payment.outcome) == (Status.CAPTURED, Outcome.PAID_OUT)
    assert await shop.transfers(order) == [cents]
    assert (await shop.published())[-1] == "payout.made:2"
    assert await shop.due(order) is None


async def test_a_ready_seller_is_paid_at_acceptance(shop: Shop) -> None:
    seller = await shop.a_seller()
    await assert_paid_once(shop, await shop.an_accepted_order(seller_id=seller.id))


async def test_nothing_is_paid_before_acceptance(shop: Shop) -> None:
    seller = await shop.a_seller()
    order = await shop.a_captured_order(seller_id=seller.id)
    for event in (order.delivered(), order.disputed()):
        await shop.receive(event)
        await shop.sweep()
        assert (await shop.payment(order)).is_held
    assert await shop.transfers(order) == []


async def test_a_seller_who_is_not_ready_is_paid_once_ready(shop: Shop) -> None:
    seller = await shop.a_seller(is_ready=False)
    order = await shop.an_accepted_order(seller_id=seller.id)
    await shop.sweep()
    assert (await shop.payment(order)).is_held
    await shop.fill_in(seller)
    await sweep_dues(shop.context)
    await assert_paid_once(shop, order)


async def test_a_seller_without_an_account_is_paid_once_there_is_one(shop: Shop) -> None:
    seller = a_user()
    order = await shop.an_accepted_order(seller_id=seller.id)
    assert (await shop.payment(order)).is_held
    await payouts.form(shop.context, seller.id)
    await shop.fill_in(seller)
    await sweep_dues(shop.context)
    await assert_paid_once(shop, order)


async def test_processes_that_pay_at_once_pay_once(shop: Shop) -> None:
    order = await an_unpaid_order(shop)
    await asyncio.gather(*(settle_due(shop.context, order.id) for _ in range(8)))
    await shop.sweep()
    await assert_paid_once(shop, order)


async def an_unpaid_order(shop: Shop) -> AnOrder:
    """An order whose payout is due, since the provider was away."""
    seller = await shop.a_seller()
    order = await shop.a_captured_order(seller_id=seller.id)
    shop.gateway.down = True
    await shop.receive(order.accepted())
    shop.gateway.down = False
    await shop.context.repositories.dues.hurry_all(times.now())
    return order


async def test_an_accepted_order_is_never_refunded_by_a_later_decision(shop: Shop) -> None:
    order = await an_unpaid_order(shop)
    await shop.receive(order.refunded())
    await shop.sweep()
    await assert_paid_once(shop, order)
    assert await shop.gateway.refunds.find({"order_id": order.id}) == []


@pytest.mark.parametrize("token", ["tok_payoutTimeout", "tok_payoutError"])
async def test_a_lost_or_failed_answer_is_followed_by_one_payout(shop: Shop, token: str) -> None:
    seller = await shop.a_seller()
    order = await shop.an_accepted_order(token, seller_id=seller.id)
    assert (await shop.payment(order)).is_held
    await shop.sweep()
    await assert_paid_once(shop, order)


async def test_a_crash_after_the_providers_transfer_is_made_good(shop: Shop) -> None:
    async def crash() -> None:
        raise Outage("killed")

    seller = await shop.a_seller()
    shop.gateway.after_payout = crash
    order = await shop.an_accepted_order(seller_id=seller.id)
    assert await shop.transfers(order) == [1999]
    assert (await shop.payment(order)).is_held
    del shop.gateway.after_payout
    await shop.sweep()
    await assert_paid_once(shop, order)


async def test_a_refusal_is_counted_and_the_money_stays_held(shop: Shop) -> None:
    seller = await shop.a_seller()
    order = await shop.an_accepted_order("tok_payoutRefused", seller_id=seller.id)
    due = await shop.due(order)
    assert due is not None
    assert due.refusals == 1
    assert (await shop.payment(order)).is_held


async def test_a_payment_that_is_not_captured_yet_is_captured_and_paid_out(shop: Shop) -> None:
    seller = await shop.a_seller()
    order = await shop.order(seller_id=seller.id)
    await shop.pay(order)
    await shop.complete_unsettled(order)
    await shop.receive(order.accepted())
    await assert_paid_once(shop, order)


async def test_an_authorisation_that_ran_out_pays_no_seller_and_needs_a_person(shop: Shop) -> None:
    seller = await shop.a_seller()
    order = await shop.order(seller_id=seller.id)
    await shop.pay(order)
    await shop.complete_unsettled(order)
    [intent] = await shop.intents(order)
    await shop.gateway.void(intent["_id"], "by the bank")
    await shop.receive(order.accepted())
    assert await shop.transfers(order) == []
    due = await shop.due(order)
    assert due is not None
    assert due.refusals == 1


class TestFee:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"fee_percent": Decimal("7.5")})

    async def test_the_price_less_the_fee_is_paid(self, shop: Shop) -> None:
        """7.5 % of 19.99 are 149.925 cents."""
        seller = await shop.a_seller()
        order = await shop.an_accepted_order(seller_id=seller.id)
        await assert_paid_once(shop, order, 1850)
        entries = [(entry.account, entry.cents) for entry in (await shop.payment(order)).entries]
        assert entries[2:] == [("held", 1999), (f"seller:{seller.id}", -1850), ("fees", -149)]

    async def test_what_was_paid_is_what_the_provider_says(self, shop: Shop) -> None:
        """The fee was another one when the transfer was made, whose answer was lost."""
        seller = await shop.a_seller()
        order = await shop.a_captured_order(seller_id=seller.id)
        [intent] = await shop.intents(order)
        account = await shop.context.repositories.accounts.of(seller.id)
        assert account is not None
        await shop.gateway.pay_out(order.id, intent["_id"], account.id, Money(1700))
        await shop.receive(order.accepted())
        await assert_paid_once(shop, order, 1700)


@pytest.mark.parametrize(
    ("cents", "percent", "paid"),
    [(1, "50", 1), (2, "50", 1), (199, "0.5", 199), (200, "0.5", 199), (100_000_000, "33.33", 66_670_000)],
)
def test_a_fee_is_rounded_down_to_a_whole_cent(cents: int, percent: str, paid: int) -> None:
    assert less_fee(Money(cents), Decimal(percent)) == Money(paid)
