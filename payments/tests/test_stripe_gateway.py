"""Stripe gateway: parameters, saved answers, pages and failures that only Stripe's API has."""

from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count

import pytest

from common.base import times
from common.base.ids import new_id
from common.base.money import Money
from payments.errors import OutcomeUnknown
from payments.gateway import Charge, State
from payments.stripe_gateway import StripeGateway
from tests.stripe_server import PATIENCE, StripeServer, serving

_orders = count()


@pytest.fixture
async def server() -> StripeServer:
    return StripeServer()


@pytest.fixture
async def gateway(server: StripeServer) -> AsyncIterator[StripeGateway]:
    async with serving(server) as address:
        gateway = StripeGateway("sk_test_x", api_base=address, timeout=PATIENCE, network_retries=0)
        yield gateway
        await gateway.close()


def a_charge(token: str = "tok_visa") -> Charge:
    order_id = new_id()
    return Charge(order_id, 1, f"order:{order_id}:1", token, Money(1999), times.now())


async def test_parameters_of_a_new_intent(server: StripeServer, gateway: StripeGateway) -> None:
    charge = a_charge()
    await gateway.authorize(charge)
    path, key, form = server.requests[0]
    assert (path, key) == ("/v1/payment_intents", charge.key)
    assert form == {
        "amount": "1999",
        "currency": "usd",
        "capture_method": "manual",
        "confirm": "true",
        "allowed_payment_method_types[0]": "card",
        "metadata[order_id]": charge.order_id,
        "metadata[attempt]": "1",
        "payment_method_data[type]": "card",
        "payment_method_data[card][token]": "tok_visa",
    }


async def test_a_payment_method_is_sent_as_such(server: StripeServer, gateway: StripeGateway) -> None:
    intent = await gateway.authorize(a_charge("pm_card_visa"))
    assert intent.state is State.AUTHORIZED
    assert server.requests[0][2]["payment_method"] == "pm_card_visa"


async def test_an_amount_that_stripe_refuses_is_declined_with_its_message(gateway: StripeGateway) -> None:
    intent = await gateway.authorize(replace(a_charge(), amount=Money(1)))
    assert (intent.state, intent.decline_reason, intent.id) == (
        State.DECLINED,
        "Amount must be at least $0.50 usd",
        "",
    )


async def test_the_sdk_repeats_a_lost_answer_with_the_same_key(server: StripeServer) -> None:
    server.lose_next = 1
    async with serving(server) as address:
        gateway = StripeGateway("sk_test_x", api_base=address, timeout=PATIENCE)
        intent = await gateway.authorize(a_charge())
        await gateway.close()
    assert intent.state is State.AUTHORIZED
    assert len(server.requests) == 2
    assert len({key for _, key, _ in server.requests}) == 1
    assert len(server.intents) == 1


async def test_a_refused_connection_is_an_unknown_outcome() -> None:
    gateway = StripeGateway("sk_test_x", api_base="http://127.0.0.1:1", timeout=PATIENCE, network_retries=0)
    for call in (gateway.authorize(a_charge()), gateway.find(a_charge()), gateway.retrieve("pi_1")):
        with pytest.raises(OutcomeUnknown):
            await call
    for call in (gateway.capture("pi_1", "capture:a"), gateway.void("pi_1", "void:a")):
        with pytest.raises(OutcomeUnknown):
            await call
    await gateway.close()


async def test_other_parameters_for_a_key_are_never_taken_for_an_answer(gateway: StripeGateway) -> None:
    charge = a_charge()
    await gateway.authorize(charge)
    with pytest.raises(OutcomeUnknown):
        await gateway.authorize(replace(charge, amount=Money(5000)))


async def test_a_lookup_goes_through_all_pages(server: StripeServer, gateway: StripeGateway) -> None:
    charge = a_charge()
    wanted = await gateway.authorize(charge)
    for _ in range(230):
        form = {"amount": "100", "currency": "usd", "capture_method": "manual"}
        server._new(
            {**form, "metadata[order_id]": new_id(), "metadata[attempt]": "1"}, "tok_visa", "succeeded"
        )
    found = await gateway.find(charge)
    assert found is not None
    assert found.id == wanted.id


async def test_an_intent_without_an_order_in_its_metadata_is_ignored(
    server: StripeServer, gateway: StripeGateway
) -> None:
    form = {"amount": "100", "currency": "usd", "capture_method": "manual"}
    foreign = server._new(form, "tok_visa", "requires_capture")
    assert await gateway.retrieve(foreign["id"]) is None
    assert await gateway.find(a_charge()) is None


async def test_an_intent_that_stopped_half_way_is_pending(gateway: StripeGateway) -> None:
    assert (await gateway.authorize(a_charge("tok_half"))).state is State.PENDING


async def test_a_saved_500_does_not_keep_money_from_being_captured(
    server: StripeServer, gateway: StripeGateway
) -> None:
    intent = await gateway.authorize(a_charge())
    server.fail_next = 1
    await gateway.capture(intent.id, "capture:a")
    assert server.intents[intent.id]["captures"] == 1


async def test_a_lost_answer_to_a_capture_is_looked_up_not_repeated(
    server: StripeServer, gateway: StripeGateway
) -> None:
    intent = await gateway.authorize(a_charge())
    server.lose_next = 1
    await gateway.capture(intent.id, "capture:a")
    assert [path for path, _, _ in server.requests].count(f"/v1/payment_intents/{intent.id}/capture") == 1
    assert server.intents[intent.id]["captures"] == 1


async def test_a_provider_that_keeps_failing_is_unknown(server: StripeServer, gateway: StripeGateway) -> None:
    intent = await gateway.authorize(a_charge())
    server.fail_next = 9
    with pytest.raises(OutcomeUnknown):
        await gateway.void(intent.id, "void:a")
    assert server.intents[intent.id]["status"] == "requires_capture"
