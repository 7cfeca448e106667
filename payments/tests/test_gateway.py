"""One suite for both gateways: the fake and Stripe's API give the same guarantees to the service."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from common.base import times
from common.base.ids import new_id
from common.base.money import Money
from common.persistence.mongo import Database
from payments.errors import BadToken, OutcomeUnknown, SettlementRefused
from payments.fake_gateway import FakeGateway
from payments.gateway import Charge, Intent, PaymentGateway, State
from payments.stripe_gateway import StripeGateway
from tests.stripe_server import PATIENCE, StripeServer, serving


@dataclass
class Provider:
    gateway: PaymentGateway
    take_the_step: Callable[[Intent], Awaitable[None]]
    count: Callable[[], Awaitable[int]]
    captures: Callable[[str], Awaitable[int]]


async def _fake(database: Database) -> AsyncIterator[Provider]:
    gateway = FakeGateway(database)
    await gateway.prepare()

    async def noop(_intent: Intent) -> None:
        """The fake takes the step in `confirm`."""

    async def count() -> int:
        return await gateway.record.count_documents({"error": False})

    async def captures(intent_id: str) -> int:
        document = await gateway.record.find_one({"_id": intent_id})
        assert document is not None
        return int(document["captures"])

    yield Provider(gateway, noop, count, captures)


async def _stripe() -> AsyncIterator[Provider]:
    server = StripeServer()

    async def step(intent: Intent) -> None:
        server.owner_takes_the_step(intent.id)

    async def count() -> int:
        return len(server.intents)

    async def captures(intent_id: str) -> int:
        return int(server.intents[intent_id]["captures"])

    async with serving(server) as address:
        gateway = StripeGateway("sk_test_x", api_base=address, timeout=PATIENCE, network_retries=0)
        yield Provider(gateway, step, count, captures)
        await gateway.close()


@pytest.fixture(params=["fake", "stripe"])
async def provider(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[Provider]:
    async for provider in _fake(database) if request.param == "fake" else _stripe():
        yield provider


def a_charge(token: str = "tok_visa", attempt: int = 1, order_id: str | None = None) -> Charge:
    order_id = order_id or new_id()
    return Charge(order_id, attempt, f"order:{order_id}:{attempt}", token, Money(1999), times.now())


async def test_money_is_reserved_and_not_taken(provider: Provider) -> None:
    charge = a_charge()
    intent = await provider.gateway.authorize(charge)
    assert (intent.state, intent.order_id, intent.attempt) == (State.AUTHORIZED, charge.order_id, 1)
    assert await provider.captures(intent.id) == 0


async def test_the_same_key_gives_the_same_intent(provider: Provider) -> None:
    charge = a_charge()
    first, second = await provider.gateway.authorize(charge), await provider.gateway.authorize(charge)
    assert first == second
    assert await provider.count() == 1


async def test_the_same_key_at_the_same_time_reserves_once(provider: Provider) -> None:
    charge = a_charge()
    calls = (provider.gateway.authorize(charge) for _ in range(5))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    intents = {answer.id for answer in answers if isinstance(answer, Intent)}
    assert len(intents) == 1
    assert all(isinstance(answer, Intent | OutcomeUnknown) for answer in answers)
    assert await provider.count() == 1


async def test_another_attempt_is_another_intent(provider: Provider) -> None:
    charge = a_charge("tok_chargeDeclined")
    await provider.gateway.authorize(charge)
    again = await provider.gateway.authorize(a_charge("tok_visa", 2, charge.order_id))
    assert again.state is State.AUTHORIZED
    found = await provider.gateway.find(a_charge("tok_visa", 2, charge.order_id))
    assert found is not None
    assert found.id == again.id


async def test_all_intents_since_a_moment_are_read(provider: Provider) -> None:
    before = times.now()
    charges = [a_charge(token) for token in ("tok_visa", "tok_chargeDeclined", "tok_threeDSecure")]
    made = [await provider.gateway.authorize(charge) for charge in charges]

    found = [intent async for intent in provider.gateway.since(before)]
    later = [intent async for intent in provider.gateway.since(times.now() + timedelta(hours=1))]

    assert {intent.id: intent.state for intent in found} == {intent.id: intent.state for intent in made}
    assert later == []


async def test_a_decline_has_the_providers_message(provider: Provider) -> None:
    charge = a_charge("tok_chargeDeclined")
    intent = await provider.gateway.authorize(charge)
    assert (intent.state, intent.decline_reason) == (State.DECLINED, "Your card was declined.")
    found = await provider.gateway.find(charge)
    assert found is not None
    assert (found.state, found.decline_reason) == (State.DECLINED, "Your card was declined.")


async def test_an_unknown_token_is_refused_and_leaves_no_intent(provider: Provider) -> None:
    charge = a_charge("tok_nobody")
    with pytest.raises(BadToken):
        await provider.gateway.authorize(charge)
    assert await provider.gateway.find(charge) is None


async def test_a_further_step_is_asked_for_and_then_authorises(provider: Provider) -> None:
    intent = await provider.gateway.authorize(a_charge("tok_threeDSecure"))
    assert intent.state is State.AWAITING
    assert intent.client_secret
    looked_at = await provider.gateway.retrieve(intent.id)
    assert looked_at is not None
    assert looked_at.state is State.AWAITING
    await provider.take_the_step(intent)
    confirmed = await provider.gateway.confirm(intent.id)
    assert confirmed is not None
    assert (confirmed.state, confirmed.client_secret) == (State.AUTHORIZED, None)


async def test_a_further_step_may_fail(provider: Provider) -> None:
    intent = await provider.gateway.authorize(a_charge("tok_threeDSecureDeclined"))
    await provider.take_the_step(intent)
    confirmed = await provider.gateway.confirm(intent.id)
    assert confirmed is not None
    assert (confirmed.state, confirmed.decline_reason) == (State.DECLINED, "Your card was declined.")


async def test_an_answer_lost_after_the_commit_is_unknown_until_it_is_looked_up(provider: Provider) -> None:
    charge = a_charge("tok_timeout")
    with pytest.raises(OutcomeUnknown):
        await provider.gateway.authorize(charge)
    found = await provider.gateway.find(charge)
    assert found is not None
    assert found.state is State.AUTHORIZED
    assert await provider.count() == 1


async def test_a_500_is_unknown_and_stays_so_for_its_key(provider: Provider) -> None:
    charge = a_charge("tok_error")
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            await provider.gateway.authorize(charge)
    assert await provider.gateway.find(charge) is None


async def test_an_intent_that_is_not_there(provider: Provider) -> None:
    assert await provider.gateway.retrieve("pi_nothing") is None
    assert await provider.gateway.retrieve("") is None
    assert await provider.gateway.find(a_charge()) is None
    with pytest.raises(SettlementRefused):
        await provider.gateway.capture("pi_nothing", "capture:x")


async def test_repeated_captures_take_the_money_once(provider: Provider) -> None:
    intent = await provider.gateway.authorize(a_charge())
    for key in ("capture:a", "capture:a", "capture:b"):
        await provider.gateway.capture(intent.id, key)
    found = await provider.gateway.retrieve(intent.id)
    assert found is not None
    assert found.state is State.CAPTURED
    assert await provider.captures(intent.id) == 1


async def test_a_captured_intent_cannot_be_voided(provider: Provider) -> None:
    intent = await provider.gateway.authorize(a_charge())
    await provider.gateway.capture(intent.id, "capture:a")
    with pytest.raises(SettlementRefused):
        await provider.gateway.void(intent.id, "void:a")


async def test_a_voided_intent_cannot_be_captured(provider: Provider) -> None:
    intent = await provider.gateway.authorize(a_charge())
    for key in ("void:a", "void:a", "void:b"):
        await provider.gateway.void(intent.id, key)
    with pytest.raises(SettlementRefused):
        await provider.gateway.capture(intent.id, "capture:a")
    assert await provider.captures(intent.id) == 0


@pytest.mark.parametrize("token", ["tok_threeDSecure", "tok_chargeDeclined"])
async def test_an_unauthorised_intent_can_be_voided_but_not_captured(provider: Provider, token: str) -> None:
    intent = await provider.gateway.authorize(a_charge(token))
    with pytest.raises((SettlementRefused, OutcomeUnknown)):
        await provider.gateway.capture(intent.id, "capture:a")
    await provider.gateway.void(intent.id, "void:a")
    found = await provider.gateway.retrieve(intent.id)
    assert found is not None
    assert found.state is State.VOIDED
