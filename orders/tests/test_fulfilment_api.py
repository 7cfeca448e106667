"""What seller and buyer do with a complete order, and what each of them may not."""

from datetime import datetime, timedelta

import httpx
import pytest

from common.base import times
from common.base.ids import new_id
from common.testing.answers import message_of
from common.testing.browser import a_user, signed_in
from common.testing.events import deliver, emitted
from common.testing.fake_stream import FakeStream
from tests.builders import Json, Offer, Payment, Shop

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
CLAIM = {"reason": "not-valid", "words": "Refused at the door."}
ANSWER = {"words": "It was valid in the morning."}
BODIES = {"claims": CLAIM, "claims/answer": ANSWER}
BY_SELLER = ["delivery", "refund", "claims/answer"]
BY_BUYER = ["acceptance", "claims"]
ACTIONS = [*BY_SELLER, *BY_BUYER]


def code_of(answer: httpx.Response, status: int = 400) -> str:
    assert answer.status_code == status, answer.text
    code: str = answer.json()["errors"][0]["code"]
    return code


async def state(shop: Shop, order: Json) -> str:
    found: str = (await shop.shown(order))["fulfilment"]
    return found


async def press(shop: Shop, order: Json, action: str, offer: Offer) -> httpx.Response:
    user = offer.seller if action in BY_SELLER else shop.buyer
    return await shop.press(order, action, user, BODIES.get(action))


async def a_disputed_sale(shop: Shop, offer: Offer) -> Json:
    order = await shop.a_sale(offer, has_file=True)
    assert (await shop.press(order, "claims", body=CLAIM)).status_code == 201
    return order


async def test_a_sale_without_a_file_is_to_be_handed_over_in_48_hours(shop: Shop) -> None:
    before = times.now()

    order = await shop.a_sale(Offer())

    assert (order["fulfilment"], order["acceptBy"], order["claim"]) == ("due", None, None)
    until = datetime.fromisoformat(order["deliverBy"])
    assert before + 2 * DAY <= until <= times.now() + 2 * DAY


async def test_a_sale_with_a_file_is_delivered_at_once(shop: Shop, stream: FakeStream) -> None:
    order = await shop.a_sale(Offer(), has_file=True)

    assert (order["fulfilment"], order["deliverBy"], order["version"]) == ("delivered", None, 1)
    (completed,) = await emitted(stream, "order.completed", 1)
    assert (completed["deliverBy"], completed["acceptBy"]) == (None, order["acceptBy"])


async def test_a_file_that_was_taken_away_again_is_to_be_handed_over(shop: Shop, stream: FakeStream) -> None:
    offer = Offer()
    await deliver(stream, offer.with_file(), offer.updated(1).model_copy(update={"delivery": None}))
    order = await shop.an_order(offer)

    await deliver(stream, Payment(order["id"]).created())

    assert await state(shop, order) == "due"


async def test_the_seller_hands_over_and_the_buyer_accepts(shop: Shop, stream: FakeStream) -> None:
    offer = Offer()
    order = await shop.a_sale(offer)

    assert (await shop.press(order, "delivery", offer.seller)).status_code == 204
    delivered = await shop.shown(order)
    assert (await shop.press(order, "acceptance")).status_code == 204

    assert (delivered["fulfilment"], await state(shop, order)) == ("delivered", "accepted")
    about = {"id": order["id"], "ticket": {"id": offer.id}, "sellerId": offer.seller_id}
    (first,), (second,) = [await emitted(stream, kind, 1) for kind in ("order.delivered", "order.accepted")]
    assert first.pop("at") <= second.pop("at")
    assert first == {**about, "version": 2, "acceptBy": delivered["acceptBy"]}
    assert second == {**about, "version": 3}


async def test_a_claim_is_seen_by_both_sides_and_is_in_no_event(shop: Shop, stream: FakeStream) -> None:
    offer = Offer()
    order = await shop.a_sale(offer, has_file=True)

    made = await shop.press(order, "claims", body={**CLAIM, "words": " Refused\r\nat the door. "})
    await shop.press(order, "claims/answer", offer.seller, ANSWER)

    assert made.status_code == 201
    opened = made.json()
    assert (opened["reason"], opened["words"], opened["answer"]) == (
        "not-valid",
        "Refused\nat the door.",
        None,
    )
    claim = (await shop.shown(order))["claim"]
    assert (claim["words"], claim["answer"]) == (opened["words"], ANSWER["words"])
    sale = (await shop.sale(order, offer.seller)).json()
    assert (sale["fulfilment"], sale["claim"]) == ("disputed", claim)
    await emitted(stream, "order.disputed", 1)
    await emitted(stream, "order.updated", 1)
    assert b"Refused" not in b"".join(message.data for message in stream.messages)
    assert b"morning" not in b"".join(message.data for message in stream.messages)


async def test_the_seller_gives_the_money_back_and_the_buyer_sees_when_it_is_there(
    shop: Shop, stream: FakeStream
) -> None:
    offer = Offer()
    order = await a_disputed_sale(shop, offer)
    await deliver(stream, Payment(order["id"]).captured())

    assert (await shop.press(order, "refund", offer.seller)).status_code == 202
    assert (await shop.shown(order))["payment"] == "captured"
    await deliver(stream, Payment(order["id"]).refunded())

    shown = await shop.shown(order)
    assert (shown["fulfilment"], shown["payment"]) == ("refunded", "refunded")
    await emitted(stream, "order.refunded", 1)


async def test_the_buyer_takes_a_claim_back_by_accepting(shop: Shop) -> None:
    order = await a_disputed_sale(shop, Offer())

    assert (await shop.press(order, "acceptance")).status_code == 204

    assert await state(shop, order) == "accepted"


@pytest.mark.parametrize("action", ACTIONS)
async def test_what_is_sent_twice_has_its_effect_once(shop: Shop, action: str) -> None:
    offer = Offer()
    order = await shop.a_sale(offer, has_file=action in BY_BUYER)
    if action == "claims/answer":
        order = await a_disputed_sale(shop, offer := Offer())
    first = await press(shop, order, action, offer)
    once = await shop.shown(order)

    second = await press(shop, order, action, offer)

    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert second.is_success
    assert await shop.shown(order) == once


@pytest.mark.parametrize("action", ACTIONS)
async def test_the_checks_come_in_their_order(shop: Shop, client: httpx.AsyncClient, action: str) -> None:
    offer = await shop.an_offer()
    order = await shop.an_order(offer)
    owner = offer.seller if action in BY_SELLER else shop.buyer
    other = shop.buyer if action in BY_SELLER else offer.seller
    body = BODIES.get(action)
    path = f"/api/orders/{order['id']}/{action}"

    assert message_of(await client.post(path, json=body), 401) == "Not authorized"
    if body is not None:
        assert (await shop.press({"id": new_id()}, action, other, {})).status_code == 400
    assert (await shop.press({"id": new_id()}, action, other, body)).status_code == 404
    assert (await shop.press({"id": "malformed"}, action, owner, body)).status_code == 404
    for stranger in (other, a_user()):
        assert message_of(await shop.press(order, action, stranger, body), 401) == "Not authorized"
    assert code_of(await shop.press(order, action, owner, body)) == "order-not-paid"


@pytest.mark.parametrize(
    ("before", "action", "code"),
    [
        ("due", "acceptance", "not-delivered"),
        ("due", "claims", "not-delivered"),
        ("due", "claims/answer", "no-claim"),
        ("delivered", "claims/answer", "no-claim"),
        ("disputed", "delivery", "order-disputed"),
        ("accepted", "refund", "order-accepted"),
        ("accepted", "claims", "claim-late"),
        ("accepted", "claims/answer", "no-claim"),
        ("refunded", "delivery", "order-refunded"),
        ("refunded", "acceptance", "order-refunded"),
        ("refunded", "claims", "order-refunded"),
    ],
)
async def test_a_state_refuses(shop: Shop, before: str, action: str, code: str) -> None:
    offer = Offer()
    order = await shop.a_sale(offer, has_file=before != "due")
    ways = {"disputed": "claims", "accepted": "acceptance", "refunded": "refund"}
    if before in ways:
        await press(shop, order, ways[before], offer)
    shown = await shop.shown(order)
    assert shown["fulfilment"] == before

    assert code_of(await press(shop, order, action, offer)) == code
    assert await shop.shown(order) == shown


async def test_there_is_one_claim_and_one_answer(shop: Shop) -> None:
    offer = Offer()
    order = await a_disputed_sale(shop, offer)
    await shop.press(order, "claims/answer", offer.seller, ANSWER)

    other = {"reason": "not-delivered", "words": "Nothing came."}
    assert code_of(await shop.press(order, "claims", body=other)) == "claim-open"
    again = await shop.press(order, "claims/answer", offer.seller, {"words": "Or not."})
    assert code_of(again) == "claim-answered"


async def test_a_deadline_is_exact_also_before_the_sweep_came(shop: Shop) -> None:
    offer, other = Offer(), Offer()
    due, delivered = await shop.a_sale(offer), await shop.a_sale(other, has_file=True)
    await shop.let_deadline_pass(due, timedelta(0))
    await shop.let_deadline_pass(delivered, timedelta(0))

    assert code_of(await shop.press(due, "delivery", offer.seller)) == "delivery-late"
    assert code_of(await shop.press(delivered, "claims", body=CLAIM)) == "claim-late"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"reason": "because"}, "reason-invalid"),
        ({"reason": {"$gt": ""}}, "reason-invalid"),
        ({"words": None}, "words-required"),
        ({"words": " \u200b\n "}, "words-required"),
        ({"words": "a" * 1_001}, "words-too-long"),
        ({"words": "a\0b"}, "words-unprintable"),
        ({"words": "a\u202eb"}, "words-bidi-control"),
        ({"picture": "x"}, "unknown-field"),
    ],
)
async def test_a_bad_claim_is_refused(shop: Shop, change: Json, code: str) -> None:
    order = await shop.a_sale(Offer(), has_file=True)

    assert code_of(await shop.press(order, "claims", body={**CLAIM, **change})) == code
    assert await state(shop, order) == "delivered"


async def test_a_claim_of_a_thousand_characters_is_taken(shop: Shop) -> None:
    order = await shop.a_sale(Offer(), has_file=True)

    assert (await shop.press(order, "claims", body={**CLAIM, "words": "字" * 1_000})).status_code == 201


async def test_a_seller_sees_the_sales_newest_first_page_by_page_without_their_buyers(shop: Shop) -> None:
    seller = new_id()
    offers = [Offer(seller_id=seller) for _ in range(3)]
    sold = [await shop.a_sale(offer) for offer in offers]
    await shop.a_sale(Offer())
    headers = signed_in(offers[0].seller)

    first = await shop.client.get("/api/orders/sales?limit=2", headers=headers)
    following = first.links["next"]["url"]
    second = await shop.client.get(following, headers=headers)

    found = [*first.json(), *second.json()]
    assert [sale["id"] for sale in found] == [order["id"] for order in reversed(sold)]
    assert "next" not in second.links
    assert shop.buyer.id not in first.text + second.text
    assert found[0] == (await shop.sale(sold[2], offers[2].seller)).json()
    assert (found[0]["fulfilment"], found[0]["payout"]) == ("due", None)


async def test_a_sale_is_its_sellers_alone(shop: Shop, client: httpx.AsyncClient) -> None:
    offer = Offer()
    order = await shop.a_sale(offer)
    unpaid = await shop.an_order(other := await shop.an_offer())

    assert (await shop.sale(order, shop.buyer)).status_code == 401
    assert (await shop.get(order, offer.seller)).status_code == 401
    assert (await client.get("/api/orders/sales")).status_code == 401
    assert (await shop.sale({"id": new_id()}, offer.seller)).status_code == 404
    assert code_of(await shop.sale(unpaid, other.seller)) == "order-not-paid"
    assert (await client.get("/api/orders/sales", headers=signed_in(other.seller))).json() == []
