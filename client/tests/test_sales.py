"""Both sides of a complete order: the buyer's page of the order, the seller's pages of the sale."""

from datetime import timedelta
from typing import Any

import pytest
from tests.conftest import As
from tests.dom import Element, alerts, links, page
from tests.fake_apis import FakeApis, Order

from common.base import times
from common.base.identity import CurrentUser
from common.base.money import Money
from common.testing.browser import a_user

LATER = timedelta(days=2)
CLAIM = {"reason": "not-valid", "words": "Refused <at> the door.", "answer": None}


@pytest.fixture
def seller() -> CurrentUser:
    return a_user()


@pytest.fixture
def buyer() -> CurrentUser:
    return a_user()


def a_sale(apis: FakeApis, seller: CurrentUser, buyer: CurrentUser, fulfilment: str, **more: Any) -> Order:
    ticket = apis.sell("Opera", "12.50", seller.id)
    order = apis.order(buyer, ticket, status="complete", payment="captured", fulfilment=fulfilment, **more)
    order.deliver_by = times.now() + LATER
    if fulfilment != "due":
        order.accept_by = times.now() + LATER
    return order


def actions(shown: Element) -> list[str]:
    return [form["action"].rsplit("/", 1)[1] for form in shown.one("main").all("form")]


@pytest.mark.parametrize(
    ("fulfilment", "more", "badge", "words", "forms"),
    [
        ("due", {}, "Paid", "The seller has until", []),
        ("delivered", {}, "Paid", "Is something wrong? Tell us until", ["accept"]),
        ("accepted", {}, "Paid", "The ticket is yours, enjoy!", []),
        ("disputed", {"claim": CLAIM}, "In dispute", "Refused <at> the door.", ["accept"]),
        ("disputed", {"card_dispute": "open"}, "In dispute", "The bank of the card looks into", []),
        ("disputed", {"card_dispute": "closed"}, "In dispute", "The seller is not paid", ["accept"]),
        ("refunded", {}, "Refund on its way", "You get back all that you paid.", []),
        ("of a newer release", {}, "Paid", "The ticket is yours, enjoy!", []),
    ],
)
async def test_the_buyer_sees_the_state_and_what_to_do(
    as_user: As,
    apis: FakeApis,
    seller: CurrentUser,
    buyer: CurrentUser,
    fulfilment: str,
    more: dict[str, Any],
    badge: str,
    words: str,
    forms: list[str],
) -> None:
    order = a_sale(apis, seller, buyer, fulfilment, **more)

    shown = page(await as_user(buyer).get(f"/orders/{order.id}"))

    assert shown.one("span", cls="badge").text == badge
    assert words in shown.one("main").text
    assert actions(shown) == forms


async def test_money_that_was_never_taken_is_not_called_refunded(
    as_user: As, apis: FakeApis, seller: CurrentUser, buyer: CurrentUser
) -> None:
    order = a_sale(apis, seller, buyer, "refunded")
    order.payment = "voided"

    shown = page(await as_user(buyer).get(f"/orders/{order.id}"))

    assert "You were not charged." in shown.one("main").text
    assert "efund" not in shown.one("main").text


async def test_the_buyer_accepts(
    as_user: As, apis: FakeApis, seller: CurrentUser, buyer: CurrentUser
) -> None:
    order = a_sale(apis, seller, buyer, "delivered")
    browser = as_user(buyer)

    for _ in range(2):
        answer = await browser.post(f"/orders/{order.id}/accept")
        assert (answer.status_code, answer.headers["location"]) == (303, f"/orders/{order.id}")
    assert order.fulfilment == "accepted"


async def test_the_buyer_claims_by_a_form_that_keeps_what_was_typed(
    as_user: As, apis: FakeApis, seller: CurrentUser, buyer: CurrentUser
) -> None:
    order = a_sale(apis, seller, buyer, "delivered")
    browser = as_user(buyer)
    path = links(await browser.get(f"/orders/{order.id}"))["Something is wrong"]

    form = page(await browser.get(path))
    assert len(form.all("input", type="radio")) == 4
    refused = await browser.post(path, data={"reason": "", "words": "It <did> not come."})
    shown = page(refused)
    sent = await browser.post(path, data={"reason": "not-delivered", "words": "It <did> not come."})

    assert refused.status_code == 400
    assert shown.one("p", id="reason-error").text == "Choose what is wrong"
    assert shown.one("textarea").text == "It <did> not come."
    assert (sent.status_code, sent.headers["location"]) == (303, f"/orders/{order.id}")
    assert (order.fulfilment, order.claim and order.claim["words"]) == ("disputed", "It <did> not come.")


async def test_a_claim_that_comes_too_late_is_refused_on_the_order(
    as_user: As, apis: FakeApis, seller: CurrentUser, buyer: CurrentUser
) -> None:
    order = a_sale(apis, seller, buyer, "accepted")
    browser = as_user(buyer)

    assert (await browser.get(f"/orders/{order.id}/claim")).headers["location"] == f"/orders/{order.id}"
    answer = await browser.post(f"/orders/{order.id}/claim", data={"reason": "not-valid", "words": "No."})

    assert answer.status_code == 400
    assert alerts(page(answer)) == ["The time for a claim has ended"]


async def test_sales_are_listed_with_what_to_do_by_when(
    as_user: As, apis: FakeApis, seller: CurrentUser, buyer: CurrentUser
) -> None:
    due = a_sale(apis, seller, buyer, "due")
    a_sale(apis, seller, buyer, "disputed")
    a_sale(apis, a_user(), buyer, "due")

    shown = page(await as_user(seller).get("/sales"))

    rows = [row.text for row in shown.one("ul", cls="rows").all("li")]
    assert rows[0] == "Opera $12.50 In dispute"
    assert rows[1].startswith("Opera Hand over by ")
    assert rows[1].endswith("(UTC) $12.50 To hand over")
    assert shown.one("ul", cls="rows").all("a")[1]["href"] == f"/sales/{due.id}"
    assert buyer.id not in shown.text


async def test_sales_come_in_pages(
    as_user: As, apis: FakeApis, seller: CurrentUser, buyer: CurrentUser
) -> None:
    for _ in range(3):
        a_sale(apis, seller, buyer, "due")
    browser = as_user(seller)

    second = await browser.get(links(await browser.get("/sales?limit=2"))["Next page"])

    assert len(page(second).one("ul", cls="rows").all("li")) == 1


async def test_no_sales_yet(as_user: As) -> None:
    assert "You have not sold any tickets yet." in page(await as_user(a_user()).get("/sales")).text


@pytest.mark.parametrize(
    ("fulfilment", "more", "words", "forms", "may_refund"),
    [
        ("due", {}, "You have until", ["delivery"], True),
        ("delivered", {}, "The buyer can say until", [], True),
        ("disputed", {"claim": CLAIM}, "Refused <at> the door.", ["answer"], True),
        ("disputed", {"claim": {**CLAIM, "answer": "It was valid."}}, "It was valid.", [], True),
        ("disputed", {"card_dispute": "open"}, "The bank of the card looks into", [], False),
        ("accepted", {"payout": Money(1_250)}, "Paid out: $12.50", [], False),
        ("refunded", {}, "Nothing is paid out for this ticket.", [], False),
    ],
)
async def test_the_seller_sees_the_state_and_what_to_do(
    as_user: As,
    apis: FakeApis,
    seller: CurrentUser,
    buyer: CurrentUser,
    fulfilment: str,
    more: dict[str, Any],
    words: str,
    forms: list[str],
    may_refund: bool,
) -> None:
    order = a_sale(apis, seller, buyer, fulfilment, **more)

    shown = page(await as_user(seller).get(f"/sales/{order.id}"))

    assert words in shown.one("main").text
    assert actions(shown) == forms
    assert ("Give the money back" in shown.one("main").text) == may_refund
    assert buyer.id not in shown.text


async def test_the_seller_hands_over(
    as_user: As, apis: FakeApis, seller: CurrentUser, buyer: CurrentUser
) -> None:
    order = a_sale(apis, seller, buyer, "due")
    browser = as_user(seller)

    for _ in range(2):
        answer = await browser.post(f"/sales/{order.id}/delivery")
        assert (answer.status_code, answer.headers["location"]) == (303, f"/sales/{order.id}")
    assert (order.fulfilment, order.version) == ("delivered", 1)


async def test_handing_over_too_late_is_refused_in_words(
    as_user: As, apis: FakeApis, seller: CurrentUser, buyer: CurrentUser
) -> None:
    order = a_sale(apis, seller, buyer, "due")
    order.deliver_by = times.now()

    answer = await as_user(seller).post(f"/sales/{order.id}/delivery")

    assert answer.status_code == 400
    assert alerts(page(answer)) == [
        "The time to hand the ticket over has ended. The buyer gets the money back."
    ]
    reloaded = await as_user(seller).get(f"/sales/{order.id}/delivery")
    assert reloaded.headers["location"] == f"/sales/{order.id}"


async def test_giving_the_money_back_asks_first(
    as_user: As, apis: FakeApis, seller: CurrentUser, buyer: CurrentUser
) -> None:
    order = a_sale(apis, seller, buyer, "delivered")
    browser = as_user(seller)

    asked = page(await browser.get(f"/sales/{order.id}/refund"))
    assert "Opera $12.50" in asked.one("main").text
    assert order.fulfilment == "delivered"
    await browser.post(asked.one("main").one("form")["action"])

    assert order.fulfilment == "refunded"
    assert (await browser.get(f"/sales/{order.id}/refund")).headers["location"] == f"/sales/{order.id}"


async def test_the_seller_answers_a_claim_once(
    as_user: As, apis: FakeApis, seller: CurrentUser, buyer: CurrentUser
) -> None:
    order = a_sale(apis, seller, buyer, "disputed", claim=dict(CLAIM))
    browser = as_user(seller)

    refused = await browser.post(f"/sales/{order.id}/answer", data={"words": " "})
    await browser.post(f"/sales/{order.id}/answer", data={"words": "It was valid."})
    again = await browser.post(f"/sales/{order.id}/answer", data={"words": "Or not."})

    assert page(refused).one("p", id="words-error").text == "Say it in a few words"
    assert order.claim is not None
    assert order.claim["answer"] == "It was valid."
    assert alerts(page(again)) == ["You have answered this claim already"]


async def test_a_sale_is_its_sellers_alone(
    as_user: As, apis: FakeApis, seller: CurrentUser, buyer: CurrentUser
) -> None:
    order = a_sale(apis, seller, buyer, "due")

    assert (await as_user(buyer).get(f"/sales/{order.id}")).status_code == 401
    assert (await as_user(buyer).post(f"/sales/{order.id}/delivery")).status_code == 401
    assert (await as_user(seller).get(f"/orders/{order.id}")).status_code == 401
    assert order.fulfilment == "due"


async def test_my_listings_lead_to_the_sale(
    as_user: As, apis: FakeApis, seller: CurrentUser, buyer: CurrentUser
) -> None:
    order = a_sale(apis, seller, buyer, "due")
    order.ticket.status = "sold"

    shown = page(await as_user(seller).get("/listings")).one("main")

    assert [a.text for a in shown.all("a", href=f"/sales/{order.id}")] == ["See the sale"]
    assert [a.text for a in shown.all("a", href="/sales")] == ["My Sales"]
