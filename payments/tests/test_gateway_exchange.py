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
from payments.gateway import Intent, PaymentGateway
from payments.stripe_gateway import StripeGateway
from tests.stripe_server import PATIENCE, StripeServer, serving

AMOUNT = Money(1999)


@dataclass
class Provider:
    """refunded: Cents that the card's owner has back, of an intent."""

    gateway: PaymentGateway
    refunded: Callable[[Intent], Awaitable[int]]


async def _fake(database: Database) -> AsyncIterator[Provider]:
    gateway = FakeGateway(database)
    await gateway.prepare()

    async def refunded(intent: Intent) -> int:
        return sum(found["amount_cents"] for found in await gateway.refunds.find({"intent_id": intent.id}))

    yield Provider(gateway, refunded)


async def _stripe() -> AsyncIterator[Provider]:
    server = StripeServer()

    async def refunded(intent: Intent) -> int:
        return server.after.refunded(intent.id)

    async with serving(server) as address:
        gateway = StripeGateway("sk_test_x", api_base=address, timeout=PATIENCE, network_retries=0)
        yield Provider(gateway, refunded)
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
