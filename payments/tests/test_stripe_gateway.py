"""Stripe gateway: parameters, saved answers, pages and failures that only Stripe's API has."""

from collections.abc import AsyncIterator

import pytest

from common.base import times
from common.base.ids import new_id
from common.base.money import Money
from payments.errors import AmountRefused, OutcomeUnknown
from payments.gateway import Intent, State
from payments.stripe_gateway import StripeGateway
from tests.stripe_server import PATIENCE, StripeServer, serving


@pytest.fixture
async def server() -> StripeServer:
    return StripeServer()


@pytest.fixture
async def gateway(server: StripeServer) -> AsyncIterator[StripeGateway]:
    async with serving(server) as address:
        gateway = StripeGateway("sk_test_x", api_base=address, timeout=PATIENCE, network_retries=0)
        yield gateway
        await gateway.close()


async def an_intent(gateway: StripeGateway, *tokens: str) -> Intent:
    intent = await gateway.create(new_id(), 1, Money(1999))
    for token in tokens:
        intent = await gateway.confirm(intent.id, f"confirm:{new_id()}", token)
    return intent


async def test_parameters_of_a_new_intent_and_of_its_card(
    server: StripeServer, gateway: StripeGateway
) -> None:
    order_id = new_id()
    intent = await gateway.create(order_id, 1, Money(1999))
    await gateway.confirm(intent.id, "confirm:a", "tok_visa")
    made, confirmed = server.requests
    assert made == (
        "/v1/payment_intents",
        f"order:{order_id}",
        {
            "amount": "1999",
            "currency": "usd",
            "capture_method": "manual",
            "allowed_payment_method_types[0]": "card",
            "metadata[order_id]": order_id,
            "metadata[attempt]": "1",
        },
    )
    card = {"payment_method_data[type]": "card", "payment_method_data[card][token]": "tok_visa"}
    assert confirmed == (f"/v1/payment_intents/{intent.id}/confirm", "confirm:a", card)


async def test_a_payment_method_is_sent_as_such(server: StripeServer, gateway: StripeGateway) -> None:
    intent = await an_intent(gateway, "pm_card_visa")
    assert intent.state is State.AUTHORIZED
    assert server.requests[1][2] == {"payment_method": "pm_card_visa"}


async def test_an_amount_that_stripe_refuses_has_its_message(gateway: StripeGateway) -> None:
    with pytest.raises(AmountRefused, match=r"Amount must be at least \$0.50 usd"):
        await gateway.create(new_id(), 1, Money(1))


async def test_the_sdk_repeats_a_lost_answer_with_the_same_key(server: StripeServer) -> None:
    server.lose_next = 1
    async with serving(server) as address:
        gateway = StripeGateway("sk_test_x", api_base=address, timeout=PATIENCE)
        intent = await an_intent(gateway)
        await gateway.close()
    assert intent.state is State.PENDING
    assert len(server.requests) == 2
    assert len({key for _, key, _ in server.requests}) == 1
    assert len(server.intents) == 1


async def test_a_refused_connection_is_an_unknown_outcome() -> None:
    gateway = StripeGateway("sk_test_x", api_base="http://127.0.0.1:1", timeout=PATIENCE, network_retries=0)
    for call in (
        gateway.create("order", 1, Money(100)),
        gateway.confirm("pi_1", "a", "tok_visa"),
        gateway.retrieve("pi_1"),
    ):
        with pytest.raises(OutcomeUnknown):
            await call
    for call in (gateway.capture("pi_1", "capture:a"), gateway.void("pi_1", "void:a")):
        with pytest.raises(OutcomeUnknown):
            await call
    await gateway.close()


async def test_other_parameters_for_a_key_are_never_taken_for_an_answer(gateway: StripeGateway) -> None:
    intent = await an_intent(gateway)
    with pytest.raises(OutcomeUnknown):
        await gateway.create(intent.order_id, 1, Money(5000))


async def test_a_reading_of_all_intents_goes_through_all_pages(
    server: StripeServer, gateway: StripeGateway
) -> None:
    before = times.now()
    form = {"amount": "100", "currency": "usd", "capture_method": "manual", "metadata[attempt]": "1"}
    made = [server._new({**form, "metadata[order_id]": new_id()})["id"] for _ in range(231)]
    found = [intent.id async for intent in gateway.since(before)]
    assert sorted(found) == sorted(made)


async def test_an_intent_without_an_order_in_its_metadata_is_ignored(
    server: StripeServer, gateway: StripeGateway
) -> None:
    before = times.now()
    foreign = server._new({"amount": "100", "currency": "usd", "capture_method": "manual"})
    assert await gateway.retrieve(foreign["id"]) is None
    assert [intent async for intent in gateway.since(before)] == []


async def test_an_intent_that_stopped_half_way_is_pending(gateway: StripeGateway) -> None:
    assert (await an_intent(gateway, "tok_half")).state is State.PENDING


async def test_a_saved_500_does_not_keep_money_from_being_captured(
    server: StripeServer, gateway: StripeGateway
) -> None:
    intent = await an_intent(gateway, "tok_visa")
    server.fail_next = 1
    await gateway.capture(intent.id, "capture:a")
    assert server.intents[intent.id]["captures"] == 1


async def test_a_lost_answer_to_a_capture_is_looked_up_not_repeated(
    server: StripeServer, gateway: StripeGateway
) -> None:
    intent = await an_intent(gateway, "tok_visa")
    server.lose_next = 1
    await gateway.capture(intent.id, "capture:a")
    assert [path for path, _, _ in server.requests].count(f"/v1/payment_intents/{intent.id}/capture") == 1
    assert server.intents[intent.id]["captures"] == 1


async def test_a_provider_that_keeps_failing_is_unknown(server: StripeServer, gateway: StripeGateway) -> None:
    intent = await an_intent(gateway, "tok_visa")
    server.fail_next = 9
    with pytest.raises(OutcomeUnknown):
        await gateway.void(intent.id, "void:a")
    assert server.intents[intent.id]["status"] == "requires_capture"
