"""Payments, over the payments service and over client's fake of it."""

import pytest
from tests.apis.shop import Shop

from common.base import times
from common.base.ids import is_id, new_id

DECLINED = ("card-declined", "Your card was declined.", None)
TOO_MANY_DECLINES = (
    "declines-limit",
    "Too many cards were declined for this order, it can't be paid any more",
    None,
)
CANCELLED = ("order-cancelled", "Cannot pay for a cancelled order", None)
NOTHING_TO_CONFIRM = ("nothing-to-confirm", "No payment of this order waits for a confirmation", None)
BAD_TOKEN = ("token-invalid", "Token is not a valid payment method", "token")
NO_TOKEN = ("token-required", "Token must be provided", "token")
UNKNOWN = (
    "payment-outcome-unknown",
    "The payment's outcome is not known yet, please look again in a moment",
    None,
)
NO_ORDER = ("order-id-required", "OrderId must be provided", "orderId")


async def test_a_payment_completes_the_order_and_sells_the_ticket(shop: Shop) -> None:
    order = await shop.ordered()

    payment = await shop.pays(order)

    assert set(payment) == {"id", "status", "clientSecret"}
    assert is_id(payment["id"])
    assert (payment["status"], payment["clientSecret"]) == ("authorized", None)
    complete = await shop.becomes(
        lambda: shop.buyers.order(order.id), lambda found: found.status == "complete"
    )
    assert complete.payment in ("authorized", "captured")
    assert (await shop.paid(order)).payment == "captured"
    sold = await shop.buyers.ticket(order.ticket.id)
    assert (sold.status, sold.order_id) == ("sold", order.id)


async def test_an_order_is_paid_once(shop: Shop) -> None:
    order = await shop.ordered()
    payment = await shop.pays(order)

    await shop.paid(order)
    again = await shop.pays(order, "tok_mastercard")

    assert again == payment | {"status": "captured"}


async def test_a_declined_card_leaves_the_order_to_another_card(shop: Shop) -> None:
    order = await shop.ordered()
    await shop.is_payable(order)
    with shop.refuses(402, DECLINED):
        await shop.buyers.pay(order.id, "tok_chargeDeclined")
    with shop.refuses(402, ("card-declined", "Your card has insufficient funds.", None)):
        await shop.buyers.pay(order.id, "tok_chargeDeclinedInsufficientFunds")
    assert (await shop.buyers.order(order.id)).status == "created"

    assert (await shop.pays(order))["status"] == "authorized"


async def test_after_five_declined_cards_no_further_one_is_tried(shop: Shop) -> None:
    order = await shop.ordered()
    await shop.is_payable(order)
    for _ in range(5):
        with shop.refuses(402, DECLINED):
            await shop.buyers.pay(order.id, "tok_chargeDeclined")

    with shop.refuses(429, TOO_MANY_DECLINES):
        await shop.buyers.pay(order.id, "tok_visa")

    left = (order.expires_at - times.now()).total_seconds()
    assert abs(int(shop.answers.last.headers["Retry-After"]) - left) < 5


async def test_a_further_step_of_the_card_is_confirmed(shop: Shop) -> None:
    order = await shop.ordered()
    payment = await shop.pays(order, "tok_threeDSecure")

    assert payment["status"] == "awaiting"
    assert payment["clientSecret"]
    await shop.becomes(lambda: shop.buyers.order(order.id), lambda found: found.status == "awaiting:payment")

    await shop.buyers.confirm_payment(order.id)

    confirmed = shop.json(200)
    assert confirmed == {"id": payment["id"], "status": "authorized", "clientSecret": None}
    await shop.becomes(lambda: shop.buyers.order(order.id), lambda found: found.status == "complete")
    await shop.buyers.confirm_payment(order.id)
    assert shop.json(200)["id"] == payment["id"]


async def test_a_further_step_that_fails_leaves_the_order_to_another_card(shop: Shop) -> None:
    order = await shop.ordered()
    await shop.pays(order, "tok_threeDSecureDeclined")

    with shop.refuses(402, DECLINED):
        await shop.buyers.confirm_payment(order.id)

    assert (await shop.pays(order))["status"] == "authorized"


async def test_a_payment_without_a_further_step_needs_no_confirmation(shop: Shop) -> None:
    order = await shop.ordered()
    await shop.is_payable(order)

    with shop.refuses(400, NOTHING_TO_CONFIRM):
        await shop.buyers.confirm_payment(order.id)


async def test_a_lost_answer_of_the_provider_is_looked_up(shop: Shop) -> None:
    order = await shop.ordered()

    payment = await shop.pays(order, "tok_timeout")

    assert payment["status"] == "authorized"
    await shop.becomes(lambda: shop.buyers.order(order.id), lambda found: found.status == "complete")


async def test_an_outcome_that_stays_unknown_says_when_to_look_again(shop: Shop) -> None:
    order = await shop.ordered()
    await shop.is_payable(order)

    with shop.refuses(503, UNKNOWN):
        await shop.buyers.pay(order.id, "tok_error")

    assert shop.answers.last.headers["retry-after"] == "2"
    assert (await shop.buyers.order(order.id)).status == "created"


async def test_a_cancelled_order_is_not_payable(shop: Shop) -> None:
    order = await shop.ordered()
    await shop.is_payable(order)
    await shop.buyers.cancel_order(order.id)

    await shop.is_unpayable(order)

    with shop.refuses(400, CANCELLED):
        await shop.buyers.pay(order.id, "tok_visa")
    with shop.refuses(400, CANCELLED):
        await shop.buyers.confirm_payment(order.id)


async def test_a_payment_is_refused_with_its_reason(shop: Shop) -> None:
    order = await shop.ordered()
    await shop.is_payable(order)

    with shop.refuses_strangers():
        await shop.visitors.pay("x", "")
    with shop.refuses_strangers():
        await shop.visitors.confirm_payment("x")
    with shop.refuses_strangers():
        await shop.sellers.pay(order.id, "tok_visa")
    with shop.refuses_strangers():
        await shop.sellers.confirm_payment(order.id)
    with shop.finds_nothing():
        await shop.buyers.pay(new_id(), "tok_visa")
    with shop.finds_nothing():
        await shop.buyers.confirm_payment(new_id())
    with shop.refuses(400, NO_ORDER, NO_TOKEN):
        await shop.buyers.pay("x", " ")
    with shop.refuses(400, NO_ORDER):
        await shop.buyers.confirm_payment("x")


@pytest.mark.parametrize("token", ["tok_nope", "tok visa", "x" * 256])
async def test_a_token_that_the_provider_does_not_know_is_refused(shop: Shop, token: str) -> None:
    order = await shop.ordered()
    await shop.is_payable(order)

    with shop.refuses(400, BAD_TOKEN):
        await shop.buyers.pay(order.id, token)

    assert (await shop.pays(order))["status"] == "authorized"
