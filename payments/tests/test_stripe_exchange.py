"""Stripe after the capture: parameters, saved answers and failures that only Stripe's API has."""

from collections.abc import AsyncIterator

import pytest

from common.base.ids import new_id
from common.base.money import Money
from payments.errors import OutcomeUnknown, SettlementRefused
from payments.gateway import Intent
from payments.stripe_gateway import StripeGateway
from tests.stripe_server import PATIENCE, StripeServer, serving

AMOUNT = Money(1999)


@pytest.fixture
async def server() -> StripeServer:
    return StripeServer()


@pytest.fixture
async def gateway(server: StripeServer) -> AsyncIterator[StripeGateway]:
    async with serving(server) as address:
        gateway = StripeGateway("sk_test_x", api_base=address, timeout=PATIENCE, network_retries=0)
        yield gateway
        await gateway.close()


@pytest.fixture
async def intent(gateway: StripeGateway) -> Intent:
    made = await gateway.create(new_id(), 1, AMOUNT)
    intent = await gateway.confirm(made.id, f"confirm:{new_id()}", "tok_visa")
    await gateway.capture(intent.id, f"capture:{intent.id}")
    return intent


async def test_parameters_of_a_refund(server: StripeServer, gateway: StripeGateway, intent: Intent) -> None:
    await gateway.refund(intent.order_id, intent.id, AMOUNT)
    params = {"payment_intent": intent.id, "metadata[order_id]": intent.order_id}
    assert server.requests[-1] == ("/v1/refunds", f"refund:{intent.order_id}", params)


async def test_a_saved_500_does_not_stop_a_refund(
    server: StripeServer, gateway: StripeGateway, intent: Intent
) -> None:
    server.fail_next = 1
    await gateway.refund(intent.order_id, intent.id, AMOUNT)
    assert server.after.refunded(intent.id) == AMOUNT.cents


async def test_a_refund_whose_answer_is_lost_is_found(
    server: StripeServer, gateway: StripeGateway, intent: Intent
) -> None:
    server.lose_next = 1
    await gateway.refund(intent.order_id, intent.id, AMOUNT)
    assert server.after.refunded(intent.id) == AMOUNT.cents
    assert len(server.after.refunds) == 1


async def test_a_refund_that_failed_needs_a_person(
    server: StripeServer, gateway: StripeGateway, intent: Intent
) -> None:
    server.after.fails = True
    for _ in range(2):
        with pytest.raises(SettlementRefused):
            await gateway.refund(intent.order_id, intent.id, AMOUNT)
    assert len(server.after.refunds) == 1
    server.after.fails = False
    server.after.refund_by_hand(intent.id, AMOUNT.cents)
    await gateway.refund(intent.order_id, intent.id, AMOUNT)


async def test_a_part_that_was_refunded_by_hand_is_made_whole(
    server: StripeServer, gateway: StripeGateway, intent: Intent
) -> None:
    server.after.refund_by_hand(intent.id, 500)
    await gateway.refund(intent.order_id, intent.id, AMOUNT)
    assert server.after.refunded(intent.id) == AMOUNT.cents


async def an_account(server: StripeServer, gateway: StripeGateway) -> str:
    account = await gateway.open_account(new_id())
    server.after.fill_in(account.id)
    return account.id


async def test_parameters_of_a_transfer(server: StripeServer, gateway: StripeGateway, intent: Intent) -> None:
    account = await an_account(server, gateway)
    await gateway.pay_out(intent.order_id, intent.id, account, Money(1900))
    params = {
        "amount": "1900",
        "currency": "usd",
        "destination": account,
        "source_transaction": f"ch_{intent.id}",
        "transfer_group": intent.order_id,
        "metadata[order_id]": intent.order_id,
    }
    assert server.requests[-1] == ("/v1/transfers", f"payout:{intent.order_id}", params)


async def test_a_transfer_whose_answer_is_lost_is_found(
    server: StripeServer, gateway: StripeGateway, intent: Intent
) -> None:
    account = await an_account(server, gateway)
    server.lose_next = 1
    assert await gateway.pay_out(intent.order_id, intent.id, account, Money(900)) == Money(900)
    assert len(server.after.transfers) == 1


async def test_a_saved_500_of_a_transfer_is_never_asked_with_another_key(
    server: StripeServer, gateway: StripeGateway, intent: Intent
) -> None:
    account = await an_account(server, gateway)
    server.fail_next = 1
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            await gateway.pay_out(intent.order_id, intent.id, account, Money(900))
    assert not server.after.transfers


async def test_an_express_account_is_asked_for_transfers_alone(
    server: StripeServer, gateway: StripeGateway
) -> None:
    await gateway.open_account("user-1")
    params = {
        "controller[fees][payer]": "application",
        "controller[losses][payments]": "application",
        "controller[stripe_dashboard][type]": "express",
        "capabilities[transfers][requested]": "true",
        "metadata[user_id]": "user-1",
    }
    assert server.requests[-1] == ("/v1/accounts", "account:user-1", params)
