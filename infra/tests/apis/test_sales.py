"""Both sides of a complete order, over the orders service and over client's fake of it."""

from collections.abc import Awaitable

import pytest
from tests.apis.shop import Shop

from client.schemas import Order
from common.base.errors import AppError
from common.base.ids import new_id
from common.testing.answers import entries_of

CLAIM = ("not-valid", "Refused at the door.")


async def refusal(shop: Shop, act: Awaitable[object]) -> list[tuple[str, str, str | None]]:
    with pytest.raises(AppError):
        await act
    answer = shop.answers.last
    found = entries_of(answer, answer.status_code)
    return [(entry["code"], entry["message"], entry.get("field")) for entry in found]


async def handed_over(shop: Shop) -> Order:
    order = await shop.paid(await shop.ordered())
    await shop.sellers.deliver(order.id)
    return order


async def test_a_sale_is_due_until_its_seller_hands_it_over(shop: Shop) -> None:
    order = await shop.paid(await shop.ordered())
    assert (order.fulfilment, order.accept_by, order.claim) == ("due", None, None)
    assert order.deliver_by is not None

    for _ in range(2):
        await shop.sellers.deliver(order.id)
        assert (shop.answers.last.status_code, shop.answers.last.content) == (204, b"")

    shown = await shop.buyers.order(order.id)
    assert (shown.fulfilment, shown.deliver_by) == ("delivered", order.deliver_by)
    assert shown.accept_by is not None


async def test_a_sale_is_shown_to_its_seller_without_its_buyer(shop: Shop) -> None:
    order = await shop.paid(await shop.ordered())

    await shop.sellers.sale(order.id)
    shown = shop.json(200)
    (listed,) = (await shop.sellers.sales({})).items

    assert set(shown) == {
        *("id", "version", "ticket", "payment", "completedAt", "payout"),
        *("fulfilment", "deliverBy", "acceptBy", "claim", "cardDispute"),
    }
    assert shop.buyer.id not in str(shown)
    assert (listed.id, listed.fulfilment, listed.payout) == (order.id, "due", None)
    assert (await shop.buyers.sales({})).items == []


async def test_the_buyer_accepts_once_and_for_good(shop: Shop) -> None:
    order = await handed_over(shop)

    for _ in range(2):
        await shop.buyers.accept(order.id)

    assert (await shop.buyers.order(order.id)).fulfilment == "accepted"
    late = ("claim-late", "The time for a claim has ended", None)
    assert await refusal(shop, shop.buyers.claim(order.id, *CLAIM)) == [late]
    settled = "The sale is settled: the buyer has the ticket, and the seller is paid"
    assert await refusal(shop, shop.sellers.refund(order.id)) == [("order-accepted", settled, None)]


async def test_a_claim_is_answered_and_the_money_given_back(shop: Shop) -> None:
    order = await handed_over(shop)

    for _ in range(2):
        await shop.buyers.claim(order.id, *CLAIM)
        made = shop.json(201)
        assert (made["reason"], made["words"], made["answer"], made["answeredAt"]) == (*CLAIM, None, None)
    other = await refusal(shop, shop.buyers.claim(order.id, "not-valid", "Other words."))
    assert other == [("claim-open", "You have made a claim about this ticket already", None)]
    await shop.sellers.answer_claim(order.id, "It was valid.")
    again = await refusal(shop, shop.sellers.answer_claim(order.id, "Or not."))
    assert again == [("claim-answered", "You have answered this claim already", None)]
    sale = await shop.sellers.sale(order.id)
    assert sale.claim is not None
    assert (sale.fulfilment, sale.claim.answer) == ("disputed", "It was valid.")

    await shop.sellers.refund(order.id)

    assert shop.answers.last.status_code == 202
    assert (await shop.buyers.order(order.id)).fulfilment == "refunded"
    back = ("order-refunded", "The buyer gets the money back for this order", None)
    assert await refusal(shop, shop.buyers.accept(order.id)) == [back]


async def test_what_is_due_is_neither_accepted_nor_claimed_about(shop: Shop) -> None:
    order = await shop.paid(await shop.ordered())

    due = [("not-delivered", "The seller has not handed the ticket over yet", None)]
    assert await refusal(shop, shop.buyers.accept(order.id)) == due
    assert await refusal(shop, shop.buyers.claim(order.id, *CLAIM)) == due
    none = [("no-claim", "There is no open claim about this ticket", None)]
    assert await refusal(shop, shop.sellers.answer_claim(order.id, "It was valid.")) == none


async def test_a_bad_claim_names_its_fields(shop: Shop) -> None:
    order = await handed_over(shop)

    reasons = "not-delivered, not-valid, not-as-described, event-cancelled"
    assert await refusal(shop, shop.buyers.claim(order.id, "", " ")) == [
        ("reason-invalid", f"Reason must be one of {reasons}", "reason"),
        ("words-required", "Words are required", "words"),
    ]
    assert await refusal(shop, shop.buyers.claim(order.id, "not-valid", "a" * 1_001)) == [
        ("words-too-long", "Words must be at most 1000 characters", "words")
    ]


async def test_each_side_acts_for_itself_alone(shop: Shop) -> None:
    order = await shop.paid(await shop.ordered())
    stranger = [("not-authorized", "Not authorized", None)]

    assert await refusal(shop, shop.buyers.deliver(order.id)) == stranger
    assert await refusal(shop, shop.buyers.refund(order.id)) == stranger
    assert await refusal(shop, shop.sellers.accept(order.id)) == stranger
    assert await refusal(shop, shop.sellers.claim(order.id, *CLAIM)) == stranger
    assert await refusal(shop, shop.visitors.sales({})) == stranger
    assert await refusal(shop, shop.sellers.sale(new_id())) == [("not-found", "Not found", None)]


async def test_an_order_that_is_not_paid_has_no_fulfilment(shop: Shop) -> None:
    order = await shop.ordered()
    unpaid = [("order-not-paid", "This order is not paid", None)]

    assert (order.fulfilment, order.deliver_by) == (None, None)
    assert await refusal(shop, shop.sellers.deliver(order.id)) == unpaid
    assert await refusal(shop, shop.buyers.accept(order.id)) == unpaid
    assert (await shop.sellers.sales({})).items == []
