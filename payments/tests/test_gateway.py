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
from payments.gateway import Intent, PaymentGateway, State
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


AMOUNT = Money(1999)


async def an_intent(provider: Provider, *tokens: str) -> Intent:
    """A new order's intent, after these cards."""
    intent = await provider.gateway.create(new_id(), 1, AMOUNT)
    for token in tokens:
        intent = await confirm(provider, intent, token)
    return intent


async def confirm(provider: Provider, intent: Intent, token: str, key: str | None = None) -> Intent:
    return await provider.gateway.confirm(intent.id, key or f"confirm:{new_id()}", token)


async def read(provider: Provider, intent: Intent) -> Intent:
    found = await provider.gateway.retrieve(intent.id)
    assert found is not None
    return found


async def test_an_intent_is_made_without_a_card(provider: Provider) -> None:
    order_id = new_id()
    intent = await provider.gateway.create(order_id, 1, AMOUNT)
    assert intent == Intent(intent.id, order_id, 1, State.PENDING)
    assert await read(provider, intent) == intent


async def test_an_order_has_one_intent(provider: Provider) -> None:
    order_id = new_id()
    first = await provider.gateway.create(order_id, 1, AMOUNT)
    assert await provider.gateway.create(order_id, 1, AMOUNT) == first
    assert await provider.count() == 1


async def test_intents_made_at_the_same_time_for_an_order_are_one(provider: Provider) -> None:
    order_id = new_id()
    calls = (provider.gateway.create(order_id, 1, AMOUNT) for _ in range(5))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert len({answer.id for answer in answers if isinstance(answer, Intent)}) == 1
    assert all(isinstance(answer, Intent | OutcomeUnknown) for answer in answers)
    assert await provider.count() == 1


async def test_money_is_reserved_and_not_taken(provider: Provider) -> None:
    intent = await an_intent(provider, "tok_visa")
    assert (intent.state, intent.decline_id, intent.client_secret) == (State.AUTHORIZED, "", None)
    assert await provider.captures(intent.id) == 0


async def test_the_same_key_confirms_once(provider: Provider) -> None:
    intent = await an_intent(provider)
    first, second = [await confirm(provider, intent, "tok_visa", "confirm:a") for _ in range(2)]
    assert first == second


async def test_the_same_key_at_the_same_time_reserves_once(provider: Provider) -> None:
    intent = await an_intent(provider)
    calls = (confirm(provider, intent, "tok_visa", "confirm:a") for _ in range(5))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(answer, Intent | OutcomeUnknown) for answer in answers)
    assert (await read(provider, intent)).state is State.AUTHORIZED


async def test_several_cards_at_the_same_time_reserve_once(provider: Provider) -> None:
    intent = await an_intent(provider)
    answers = await asyncio.gather(*(confirm(provider, intent, "tok_visa") for _ in range(5)))
    assert {(answer.id, answer.state) for answer in answers} == {(intent.id, State.AUTHORIZED)}


async def test_the_next_card_is_confirmed_on_the_same_intent(provider: Provider) -> None:
    declined = await an_intent(provider, "tok_chargeDeclined")
    again = await confirm(provider, declined, "tok_visa")
    assert (again.id, again.state, again.decline_reason) == (declined.id, State.AUTHORIZED, "")
    assert await provider.count() == 1


@pytest.mark.parametrize("token", ["tok_chargeDeclined", "tok_threeDSecureDeclined"])
async def test_each_decline_has_another_id_which_every_reading_shows(provider: Provider, token: str) -> None:
    intent, ids = await an_intent(provider), []
    for _ in range(2):
        confirmed = await confirm(provider, intent, token)
        if confirmed.state is State.AWAITING:
            await provider.take_the_step(confirmed)
            await provider.gateway.after_step(intent.id)
        declined = [await read(provider, intent) for _ in range(2)]
        assert declined[0] == declined[1]
        assert declined[0].state is State.DECLINED
        ids.append(declined[0].decline_id)
    assert "" not in ids
    assert len(set(ids)) == 2


@pytest.mark.parametrize("end", ["authorized", "awaiting", "captured", "voided"])
async def test_a_further_card_leaves_an_intent_that_has_one_or_ended_alone(
    provider: Provider, end: str
) -> None:
    intent = await an_intent(provider, "tok_threeDSecure" if end == "awaiting" else "tok_visa")
    if end == "captured":
        await provider.gateway.capture(intent.id, "capture:a")
    if end == "voided":
        await provider.gateway.void(intent.id, "void:a")
    for token in ("tok_visa", "tok_chargeDeclined"):
        assert (await confirm(provider, intent, token)).state == end
    assert (await read(provider, intent)).state == end


async def test_all_intents_since_a_moment_are_read(provider: Provider) -> None:
    before = times.now()
    cards: tuple[list[str], ...] = ([], ["tok_visa"], ["tok_chargeDeclined"], ["tok_threeDSecure"])
    made = [await an_intent(provider, *tokens) for tokens in cards]

    found = [intent async for intent in provider.gateway.since(before)]
    later = [intent async for intent in provider.gateway.since(times.now() + timedelta(hours=1))]

    assert {intent.id: intent.state for intent in found} == {intent.id: intent.state for intent in made}
    assert later == []


async def test_a_decline_has_the_providers_message(provider: Provider) -> None:
    intent = await an_intent(provider, "tok_chargeDeclined")
    assert (intent.state, intent.decline_reason) == (State.DECLINED, "Your card was declined.")
    assert await read(provider, intent) == intent


async def test_an_unknown_token_is_refused_and_the_intent_stays_as_it_is(provider: Provider) -> None:
    intent = await an_intent(provider)
    with pytest.raises(BadToken):
        await confirm(provider, intent, "tok_nobody")
    assert await read(provider, intent) == intent


async def test_a_further_step_is_asked_for_and_then_authorises(provider: Provider) -> None:
    intent = await an_intent(provider, "tok_threeDSecure")
    assert intent.state is State.AWAITING
    assert intent.client_secret
    looked_at = await provider.gateway.retrieve(intent.id)
    assert looked_at is not None
    assert looked_at.state is State.AWAITING
    await provider.take_the_step(intent)
    confirmed = await provider.gateway.after_step(intent.id)
    assert confirmed is not None
    assert (confirmed.state, confirmed.client_secret) == (State.AUTHORIZED, None)


async def test_a_further_step_may_fail(provider: Provider) -> None:
    intent = await an_intent(provider, "tok_threeDSecureDeclined")
    await provider.take_the_step(intent)
    confirmed = await provider.gateway.after_step(intent.id)
    assert confirmed is not None
    assert (confirmed.state, confirmed.decline_reason) == (State.DECLINED, "Your card was declined.")


async def test_an_answer_lost_after_the_commit_is_unknown_until_it_is_looked_up(provider: Provider) -> None:
    intent = await an_intent(provider)
    with pytest.raises(OutcomeUnknown):
        await confirm(provider, intent, "tok_timeout")
    assert (await read(provider, intent)).state is State.AUTHORIZED
    assert await provider.count() == 1


async def test_a_500_is_unknown_and_stays_so_for_its_key_and_another_card_may_be_tried(
    provider: Provider,
) -> None:
    intent = await an_intent(provider)
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            await confirm(provider, intent, "tok_error", "confirm:a")
    assert (await read(provider, intent)).state is State.PENDING
    assert (await confirm(provider, intent, "tok_visa")).state is State.AUTHORIZED


async def test_an_intent_that_is_not_there(provider: Provider) -> None:
    assert await provider.gateway.retrieve("pi_nothing") is None
    assert await provider.gateway.retrieve("") is None
    with pytest.raises(SettlementRefused):
        await provider.gateway.capture("pi_nothing", "capture:x")


async def test_repeated_captures_take_the_money_once(provider: Provider) -> None:
    intent = await an_intent(provider, "tok_visa")
    for key in ("capture:a", "capture:a", "capture:b"):
        await provider.gateway.capture(intent.id, key)
    found = await provider.gateway.retrieve(intent.id)
    assert found is not None
    assert found.state is State.CAPTURED
    assert await provider.captures(intent.id) == 1


async def test_a_captured_intent_cannot_be_voided(provider: Provider) -> None:
    intent = await an_intent(provider, "tok_visa")
    await provider.gateway.capture(intent.id, "capture:a")
    with pytest.raises(SettlementRefused):
        await provider.gateway.void(intent.id, "void:a")


async def test_a_voided_intent_cannot_be_captured(provider: Provider) -> None:
    intent = await an_intent(provider, "tok_visa")
    for key in ("void:a", "void:a", "void:b"):
        await provider.gateway.void(intent.id, key)
    with pytest.raises(SettlementRefused):
        await provider.gateway.capture(intent.id, "capture:a")
    assert await provider.captures(intent.id) == 0


@pytest.mark.parametrize("tokens", [[], ["tok_threeDSecure"], ["tok_chargeDeclined"]])
async def test_an_unauthorised_intent_can_be_voided_but_not_captured(
    provider: Provider, tokens: list[str]
) -> None:
    intent = await an_intent(provider, *tokens)
    with pytest.raises((SettlementRefused, OutcomeUnknown)):
        await provider.gateway.capture(intent.id, "capture:a")
    await provider.gateway.void(intent.id, "void:a")
    found = await provider.gateway.retrieve(intent.id)
    assert found is not None
    assert found.state is State.VOIDED
