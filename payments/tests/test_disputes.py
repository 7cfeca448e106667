"""Disputes of cards' owners: shown, nothing is paid out meanwhile, and a lost one is a refund or a loss."""

from collections import Counter

import pytest

from common.base.ids import new_id
from payments import webhook
from payments.domain import Outcome
from payments.errors import OutcomeUnknown
from payments.gateway import DisputeState
from payments.sweep import sweep_dues
from payments.webhook import WebhookEvent
from tests.orders import AnOrder
from tests.shop import Shop

OPEN, WON, LOST = DisputeState


async def dispute(shop: Shop, order: AnOrder, state: DisputeState = OPEN) -> None:
    """The card's owner disputes, or the bank decides; the provider says so."""
    [intent] = await shop.intents(order)
    await hint(shop, await shop.gateway.disputed(intent["_id"], state))


async def hint(shop: Shop, dispute_id: str, kind: str = "created") -> None:
    about = {"object": {"id": dispute_id}}
    event = {"id": f"evt_{new_id()}", "type": f"charge.dispute.{kind}", "data": about}
    await webhook.take(shop.context, WebhookEvent.model_validate(event))


async def an_order(shop: Shop) -> AnOrder:
    seller = await shop.a_seller()
    return await shop.a_captured_order(seller_id=seller.id)


async def test_while_a_dispute_is_open_nothing_is_paid_out(shop: Shop) -> None:
    order = await an_order(shop)
    await dispute(shop, order)
    await shop.receive(order.accepted())
    await shop.sweep()
    assert (await shop.payment(order)).is_held
    assert (await shop.published())[2:] == ["payment.disputed:2"]
    assert await shop.transfers(order) == []


async def test_a_dispute_that_is_won_lets_the_seller_be_paid(shop: Shop) -> None:
    order = await an_order(shop)
    await dispute(shop, order)
    await shop.receive(order.accepted())
    await dispute(shop, order, WON)
    await sweep_dues(shop.context)
    assert (await shop.published())[2:] == ["payment.disputed:2", "payment.disputed:3", "payout.made:4"]
    assert await shop.transfers(order) == [1999]


async def test_a_dispute_that_is_lost_has_refunded_the_buyer(shop: Shop) -> None:
    order = await an_order(shop)
    await dispute(shop, order)
    await shop.receive(order.accepted())
    await dispute(shop, order, LOST)
    await shop.sweep()
    payment = await shop.payment(order)
    assert (payment.outcome, payment.dispute) == (Outcome.REFUNDED, LOST)
    assert (await shop.published())[2:] == ["payment.disputed:2", "payment.disputed:3", "payment.refunded:4"]
    assert await shop.transfers(order) == []
    assert await shop.due(order) is None


async def test_a_refund_during_a_dispute_is_made_once_it_is_won(shop: Shop) -> None:
    order = await an_order(shop)
    await dispute(shop, order)
    await shop.receive(order.refunded())
    assert (await shop.payment(order)).is_held
    await dispute(shop, order, WON)
    await sweep_dues(shop.context)
    assert (await shop.payment(order)).outcome is Outcome.REFUNDED


async def test_a_dispute_that_is_lost_after_the_payout_is_a_loss(shop: Shop) -> None:
    order = await an_order(shop)
    await shop.receive(order.accepted())
    await dispute(shop, order)
    await dispute(shop, order, LOST)
    payment = await shop.payment(order)
    assert payment.outcome is Outcome.PAID_OUT
    accounts: Counter[str] = Counter()
    for entry in payment.entries:
        accounts[entry.account.partition(":")[0]] += entry.cents
    assert accounts == {"provider": 1999, "held": 0, "seller": -1999, "losses": 1999, "refunds": -1999}


async def test_a_transfer_whose_answer_was_lost_before_the_dispute_is_found(shop: Shop) -> None:
    seller = await shop.a_seller()
    order = await shop.an_accepted_order("tok_payoutTimeout", seller_id=seller.id)
    await dispute(shop, order)
    await dispute(shop, order, LOST)
    assert (await shop.payment(order)).outcome is Outcome.PAID_OUT
    assert (await shop.payment(order)).dispute is LOST


@pytest.mark.parametrize("kind", ["created", "updated", "closed"])
async def test_an_event_is_a_hint_and_never_the_state(shop: Shop, kind: str) -> None:
    order = await an_order(shop)
    [intent] = await shop.intents(order)
    dispute_id = await shop.gateway.disputed(intent["_id"])
    for _ in range(2):
        await hint(shop, dispute_id, kind)
    assert (await shop.payment(order)).dispute is OPEN
    assert (await shop.published())[2:] == ["payment.disputed:2"]


async def test_an_event_of_an_unknown_dispute_changes_nothing(shop: Shop) -> None:
    order = await an_order(shop)
    await hint(shop, "dp_unknown")
    assert (await shop.payment(order)).dispute is None


async def test_an_event_comes_again_while_the_provider_can_not_be_asked(shop: Shop) -> None:
    order = await an_order(shop)
    [intent] = await shop.intents(order)
    dispute_id = await shop.gateway.disputed(intent["_id"])
    shop.gateway.down = True
    with pytest.raises(OutcomeUnknown):
        await hint(shop, dispute_id)
    shop.gateway.down = False
    await hint(shop, dispute_id)
    assert (await shop.payment(order)).dispute is OPEN
