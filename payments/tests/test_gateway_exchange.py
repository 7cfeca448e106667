"""One suite for both gateways: after the capture, the fake and Stripe's API give the same guarantees."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from common.base.ids import new_id
from common.base.money import Money
from common.persistence.mongo import Database
from payments.errors import OutcomeUnknown, SettlementRefused
from payments.fake_gateway import FakeGateway
from payments.gateway import Account, Dispute, DisputeState, Intent, PaymentGateway
from payments.stripe_gateway import StripeGateway
from tests.stripe_server import PATIENCE, StripeServer, serving

AMOUNT = Money(1999)


@dataclass
class Provider:
    """refunded: Cents that the card's owner has back, of an intent. paid: Those of an account.

    fill_in: Makes an account ready. disputed: The owner disputes, or the bank decides; returns the id.
    """

    gateway: PaymentGateway
    refunded: Callable[[Intent], Awaitable[int]]
    paid: Callable[[str], Awaitable[int]]
    fill_in: Callable[[str], Awaitable[None]]
    disputed: Callable[[Intent, DisputeState], Awaitable[str]]


async def _fake(database: Database) -> AsyncIterator[Provider]:
    gateway = FakeGateway(database)
    await gateway.prepare()

    async def refunded(intent: Intent) -> int:
        return sum(found["amount_cents"] for found in await gateway.refunds.find({"intent_id": intent.id}))

    async def paid(account_id: str) -> int:
        made = await gateway.transfers.find({"account_id": account_id})
        return sum(transfer["amount_cents"] for transfer in made)

    async def disputed(intent: Intent, state: DisputeState) -> str:
        return await gateway.disputed(intent.id, state)

    yield Provider(gateway, refunded, paid, gateway.fill_in, disputed)


async def _stripe() -> AsyncIterator[Provider]:
    server = StripeServer()

    async def refunded(intent: Intent) -> int:
        return server.after.refunded(intent.id)

    async def paid(account_id: str) -> int:
        made = server.after.transfers.values()
        return sum(transfer["amount"] for transfer in made if transfer["destination"] == account_id)

    async def fill_in(account_id: str) -> None:
        server.after.fill_in(account_id)

    async def disputed(intent: Intent, state: DisputeState) -> str:
        status = {DisputeState.OPEN: "needs_response"}.get(state, str(state))
        return server.after.disputed(intent.id, status)

    async with serving(server) as address:
        gateway = StripeGateway("sk_test_x", api_base=address, timeout=PATIENCE, network_retries=0)
        yield Provider(gateway, refunded, paid, fill_in, disputed)
        await gateway.close()


@pytest.fixture(params=["fake", "stripe"])
async def provider(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[Provider]:
    async for provider in _fake(database) if request.param == "fake" else _stripe():
        yield provider


async def an_intent(provider: Provider, *, is_captured: bool = True) -> Intent:
    made = await provider.gateway.create(new_id(), 1, AMOUNT)
    intent = await provider.gateway.confirm(made.id, f"confirm:{new_id()}", "tok_visa")
    if is_captured:
        await provider.gateway.capture(intent.id, f"capture:{intent.id}")
    return intent


async def refund(provider: Provider, intent: Intent) -> None:
    await provider.gateway.refund(intent.order_id, intent.id, AMOUNT)


async def test_all_of_the_captured_money_is_refunded_once(provider: Provider) -> None:
    intent = await an_intent(provider)
    for _ in range(3):
        await refund(provider, intent)
    assert await provider.refunded(intent) == AMOUNT.cents


async def test_refunds_asked_for_at_the_same_time_are_one(provider: Provider) -> None:
    intent = await an_intent(provider)
    answers = await asyncio.gather(*(refund(provider, intent) for _ in range(5)), return_exceptions=True)
    assert all(answer is None or isinstance(answer, OutcomeUnknown) for answer in answers)
    assert None in answers
    assert await provider.refunded(intent) == AMOUNT.cents


async def test_money_that_was_not_captured_can_not_be_refunded(provider: Provider) -> None:
    intent = await an_intent(provider, is_captured=False)
    with pytest.raises(SettlementRefused):
        await refund(provider, intent)
    assert await provider.refunded(intent) == 0


async def test_an_unknown_intent_can_not_be_refunded(provider: Provider) -> None:
    with pytest.raises(SettlementRefused):
        await provider.gateway.refund(new_id(), "pi_unknown", AMOUNT)


async def an_account(provider: Provider, *, is_ready: bool = True) -> str:
    account = await provider.gateway.open_account(new_id())
    if is_ready:
        await provider.fill_in(account.id)
    return account.id


async def pay_out(provider: Provider, intent: Intent, account_id: str, amount: Money = AMOUNT) -> Money:
    return await provider.gateway.pay_out(intent.order_id, intent.id, account_id, amount)


async def test_an_account_is_ready_once_its_owner_filled_in_the_form(provider: Provider) -> None:
    user_id = new_id()
    opened = await provider.gateway.open_account(user_id)
    assert (opened.user_id, opened.ready, bool(opened.due)) == (user_id, False, True)
    assert opened.id in await provider.gateway.form(opened.id, "https://gittix.test/sales")
    await provider.fill_in(opened.id)
    assert await provider.gateway.account(opened.id) == Account(opened.id, user_id, True, ())


async def test_an_account_that_is_opened_twice_is_one(provider: Provider) -> None:
    user_id = new_id()
    first = await provider.gateway.open_account(user_id)
    assert await provider.gateway.open_account(user_id) == first


async def test_an_unknown_account_or_dispute_is_none(provider: Provider) -> None:
    for unknown in ("acct_unknown", "../balance", ""):
        assert await provider.gateway.account(unknown) is None
        assert await provider.gateway.dispute(unknown) is None


async def test_a_seller_is_paid_once(provider: Provider) -> None:
    intent, account = await an_intent(provider), await an_account(provider)
    assert await provider.gateway.transfer_of(intent.order_id) is None
    for _ in range(3):
        assert await pay_out(provider, intent, account, Money(1500)) == Money(1500)
    assert await provider.paid(account) == 1500
    assert await provider.gateway.transfer_of(intent.order_id) == Money(1500)


async def test_payouts_asked_for_at_the_same_time_are_one(provider: Provider) -> None:
    intent, account = await an_intent(provider), await an_account(provider)
    calls = (pay_out(provider, intent, account, Money(900)) for _ in range(5))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert all(answer == Money(900) or isinstance(answer, OutcomeUnknown) for answer in answers)
    assert Money(900) in answers
    assert await provider.paid(account) == 900


async def test_a_later_fee_changes_no_payout_that_was_made(provider: Provider) -> None:
    intent, account = await an_intent(provider), await an_account(provider)
    await pay_out(provider, intent, account, Money(1500))
    assert await pay_out(provider, intent, account, Money(1400)) == Money(1500)
    assert await provider.paid(account) == 1500


async def test_an_account_that_is_not_ready_is_not_paid(provider: Provider) -> None:
    intent, account = await an_intent(provider), await an_account(provider, is_ready=False)
    with pytest.raises(SettlementRefused):
        await pay_out(provider, intent, account)
    assert await provider.paid(account) == 0


@pytest.mark.parametrize("state", DisputeState)
async def test_a_dispute_is_read_with_its_state(provider: Provider, state: DisputeState) -> None:
    intent = await an_intent(provider)
    dispute_id = await provider.disputed(intent, state)
    assert await provider.gateway.dispute(dispute_id) == Dispute(dispute_id, intent.id, state)


async def test_a_disputed_payment_is_not_refunded(provider: Provider) -> None:
    intent = await an_intent(provider)
    await provider.disputed(intent, DisputeState.OPEN)
    with pytest.raises(SettlementRefused):
        await refund(provider, intent)
    assert await provider.refunded(intent) == 0
