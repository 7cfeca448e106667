"""Limits of declined cards, of an order and of an account: beyond them no card reaches the provider."""

import asyncio
from datetime import timedelta

from common.testing.answers import code_of
from common.testing.clock import Clock
from payments.domain import ChargeStatus
from payments.sweep import sweep_charges
from tests.orders import AnOrder
from tests.shop import Shop
from tests.steered import noop

DECLINED = "tok_chargeDeclined"
DAY = timedelta(days=1)


async def decline(shop: Shop, order: AnOrder, count: int) -> None:
    for _ in range(count):
        assert code_of(await shop.pay(order, DECLINED), 402) == "card-declined"


async def account_with(shop: Shop, declines: int) -> AnOrder:
    """An order of an account with so many declines, at other orders, by four each."""
    order = AnOrder()
    for done in range(0, declines, 4):
        other = await shop.order(buyer=order.buyer)
        await decline(shop, other, min(4, declines - done))
    await shop.receive(order.created())
    return order


async def test_of_40_declined_cards_five_reach_the_provider_and_not_even_a_good_one_then(shop: Shop) -> None:
    order = await shop.order()

    answers = [await shop.pay(order, DECLINED) for _ in range(40)]
    good = await shop.pay(order)

    assert [answer.status_code for answer in answers] == [402] * 5 + [429] * 35
    assert {code_of(refused, 429) for refused in (*answers[5:], good)} == {"declines-limit"}
    assert (await shop.states(order), shop.gateway.confirmations) == (["declined"], 5)
    assert 800 < int(good.headers["Retry-After"]) <= 900


async def test_of_40_cards_at_once_again_and_again_five_reach_the_provider(shop: Shop) -> None:
    order = await shop.order()

    for _ in range(10):
        answers = await asyncio.gather(*(shop.pay(order, DECLINED) for _ in range(40)))
        assert {answer.status_code for answer in answers} <= {402, 429}

    assert shop.gateway.confirmations == 5


async def test_a_card_that_fails_at_its_further_step_was_declined(shop: Shop) -> None:
    order = await shop.order()
    await decline(shop, order, 4)
    await shop.pay(order, "tok_threeDSecureDeclined")
    assert (await shop.confirm(order)).status_code == 402

    assert code_of(await shop.pay(order), 429) == "declines-limit"


async def test_an_account_has_twenty_declines_in_a_day_over_all_its_orders(shop: Shop, clock: Clock) -> None:
    order = await account_with(shop, 20)
    calls = shop.gateway.confirmations

    refused = await shop.pay(order)

    assert code_of(refused, 429) == "declines-per-day-limit"
    assert int(refused.headers["Retry-After"]) == DAY.total_seconds()
    assert shop.gateway.confirmations == calls
    assert (await shop.pay(await shop.order())).status_code == 201

    clock.now += DAY
    assert (await shop.pay(await shop.order(buyer=order.buyer))).status_code == 201


async def test_what_is_not_declined_does_not_count_for_the_account(shop: Shop) -> None:
    order = await account_with(shop, 19)
    for token in ("tok_visa", "tok_threeDSecure"):
        other = await shop.order(buyer=order.buyer)
        assert (await shop.pay(other, token)).status_code == 201
        assert (await shop.confirm(other)).status_code == 200
    assert (await shop.pay(await shop.order(buyer=order.buyer), "tok_unheard_of")).status_code == 400

    await decline(shop, order, 1)

    assert code_of(await shop.pay(order), 429) == "declines-per-day-limit"


async def test_a_card_whose_owner_is_still_asked_counts_until_the_outcome_is_known(shop: Shop) -> None:
    order = await account_with(shop, 19)
    asked = await shop.order(buyer=order.buyer)
    assert (await shop.pay(asked, "tok_threeDSecure")).status_code == 201

    assert code_of(await shop.pay(order), 429) == "declines-per-day-limit"

    assert (await shop.confirm(asked)).status_code == 200
    assert (await shop.pay(order)).status_code == 201


async def test_a_card_of_unknown_outcome_counts_until_the_sweep_finds_one(shop: Shop) -> None:
    order = await account_with(shop, 19)
    lost = await shop.order(buyer=order.buyer)

    async def lose_the_provider() -> None:
        shop.gateway.down = True

    shop.gateway.before_confirm = lose_the_provider
    assert (await shop.pay(lost, "tok_timeout")).status_code == 503
    shop.gateway.before_confirm = noop
    shop.gateway.down = False

    assert code_of(await shop.pay(order), 429) == "declines-per-day-limit"

    await sweep_charges(shop.context)
    charge = await shop.context.repositories.charges.find(lost.id)
    assert charge is not None
    assert charge.status is ChargeStatus.RESOLVED
    assert (await shop.pay(order)).status_code == 201


async def test_an_intent_that_can_t_be_made_takes_no_place(shop: Shop) -> None:
    order = await account_with(shop, 19)
    shop.gateway.down = True
    assert (await shop.pay(order)).status_code == 503
    shop.gateway.down = False
    assert (await shop.pay(await shop.order(buyer=order.buyer))).status_code == 201


async def test_at_the_last_place_a_double_click_has_the_payment_of_the_first_click(shop: Shop) -> None:
    order = await account_with(shop, 19)

    answers = await asyncio.gather(*(shop.pay(order) for _ in range(5)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_a_place_that_another_request_s_attempt_made_needless_is_returned(shop: Shop) -> None:
    order = await account_with(shop, 15)

    answers = await asyncio.gather(*(shop.pay(order, DECLINED) for _ in range(5)))

    assert {answer.status_code for answer in answers} == {402}
    (places,) = await shop.gateway.record.database["declined_cards"].find({"_id": order.buyer.id})
    assert len(places["at"]) == shop.gateway.confirmations
