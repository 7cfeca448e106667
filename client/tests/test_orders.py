from datetime import timedelta

import pytest
from tests.conftest import As
from tests.dom import Element, alerts, links, page
from tests.fake_apis import FakeApis, Order
from tests.fake_apis.records import HOLD

from common.base import times
from common.base.ids import new_id
from common.testing.browser import a_user

PAST = -timedelta(minutes=1)
AHEAD = timedelta(minutes=5)


def links_to(shown: Element, path: str) -> list[str]:
    return [link.text for link in shown.one("main").all("a", href=path)]


def actions(shown: Element) -> list[str]:
    return [form["action"].rsplit("/", 1)[1] for form in shown.one("main").all("form")]


async def test_orders_are_listed_with_their_status_and_linked(as_user: As, apis: FakeApis) -> None:
    buyer = a_user()
    apis.order(a_user())
    first = apis.order(buyer, apis.sell("Opera", "12.5"), status="complete", payment="captured")
    second = apis.order(buyer, apis.sell("Rock", "20"))

    rows = page(await as_user(buyer).get("/orders")).one("ul", cls="rows").all("li")

    assert [row.text for row in rows] == ["Rock $20.00 Awaiting payment", "Opera $12.50 Paid"]
    assert [row.one("a")["href"] for row in rows] == [f"/orders/{second.id}", f"/orders/{first.id}"]


async def test_orders_come_in_pages(as_user: As, apis: FakeApis) -> None:
    buyer = a_user()
    for number in range(3):
        apis.order(buyer, apis.sell(f"Number {number}"))
    browser = as_user(buyer)

    second = await browser.get(links(await browser.get("/orders?limit=2"))["Next page"])

    assert [li.one("a").text for li in page(second).one("ul", cls="rows").all("li")] == ["Number 0"]


async def test_no_orders_yet(as_user: As) -> None:
    assert "You have not ordered any tickets yet." in page(await as_user(a_user()).get("/orders")).text


async def test_an_open_order_counts_down_on_the_servers_clock(as_user: As, apis: FakeApis) -> None:
    buyer = a_user()
    order = apis.order(buyer, expires_at=times.now() + timedelta(seconds=61.5))

    shown = page(await as_user(buyer).get(f"/orders/{order.id}"))

    clock = shown.one("time")
    assert clock.text in ("01:02", "01:01")
    assert int(clock["data-expires"]) == int(order.expires_at.timestamp() * 1000)
    assert abs(int(clock["data-now"]) - times.now().timestamp() * 1000) < 5_000
    assert clock["data-over"] == f"/orders/{order.id}"
    assert shown.one("noscript").one("meta")["content"].endswith(f"; url=/orders/{order.id}")
    assert actions(shown) == ["pay"]
    assert links_to(shown, f"/orders/{order.id}/cancel") == ["Cancel order"]
    assert [card["value"] for card in shown.all("input", type="radio")] == [
        "tok_visa",
        "tok_chargeDeclined",
        "tok_threeDSecure",
        "tok_slow",
        "tok_timeout",
    ]


@pytest.mark.parametrize(
    ("status", "payment", "badge", "words", "forms"),
    [
        ("awaiting:payment", None, "Awaiting confirmation", "Your bank wants", ["confirm"]),
        ("complete", "authorized", "Paid", "The ticket is yours", []),
        ("complete", "captured", "Paid", "The ticket is yours", []),
        ("complete", "refunded", "Refunded", "This order was refunded", []),
        ("cancelled", "refunded", "Refunded", "This order was refunded", []),
    ],
)
async def test_an_order_says_where_it_stands(
    as_user: As,
    apis: FakeApis,
    status: str,
    payment: str | None,
    badge: str,
    words: str,
    forms: list[str],
) -> None:
    buyer = a_user()
    order = apis.order(buyer, status=status, payment=payment, expires_at=times.now() + PAST)

    shown = page(await as_user(buyer).get(f"/orders/{order.id}"))

    assert shown.one("span", cls="badge").text == badge
    assert words in shown.one("main").all("p", role="status")[0].text
    assert actions(shown) == forms


@pytest.mark.parametrize("left", [PAST, AHEAD])
@pytest.mark.parametrize("payment", [None, "voided"])
@pytest.mark.parametrize(
    ("because", "badge", "words"),
    [
        ("cancelled", "Cancelled", "You cancelled this order."),
        ("expired", "Expired", "This order expired: the time to pay is over."),
        (None, "Ended", "This order ended before it was paid. You were not charged."),
        ("a reason of the next release", "Ended", "This order ended before it was paid."),
    ],
)
async def test_an_ended_order_tells_the_same_story_at_any_time_and_of_any_payment(
    as_user: As,
    apis: FakeApis,
    because: str | None,
    badge: str,
    words: str,
    payment: str | None,
    left: timedelta,
) -> None:
    buyer = a_user()
    order = apis.order(
        buyer,
        status="cancelled",
        payment=payment,
        ended_because=because,
        expires_at=times.now() + left,
    )
    browser = as_user(buyer)

    shown = page(await browser.get(f"/orders/{order.id}"))

    assert shown.one("span", cls="badge").text == badge
    assert words in shown.one("main").one("p", role="status").text
    assert "Refunded" not in shown.text
    assert ("It was not taken" in shown.text) == (payment == "voided")
    assert shown.one("main").all("a")[-1]["href"] == f"/tickets/{order.ticket.id}"
    assert page(await browser.get("/orders")).one("span", cls="badge").text == badge


@pytest.mark.parametrize(("status", "ago"), [("created", PAST), ("awaiting:payment", PAST - HOLD)])
async def test_an_order_whose_hold_is_over_expires_before_it_is_told_so(
    as_user: As, apis: FakeApis, status: str, ago: timedelta
) -> None:
    buyer = a_user()
    order = apis.order(buyer, status=status, expires_at=times.now() + ago)
    browser = as_user(buyer)

    before = page(await browser.get(f"/orders/{order.id}"))
    order.status, order.ended_because = "cancelled", "expired"
    after = page(await browser.get(f"/orders/{order.id}"))

    assert before.one("main").text == after.one("main").text
    assert before.one("span", cls="badge").text == "Expired"


async def test_the_bank_s_question_says_until_when(as_user: As, apis: FakeApis) -> None:
    buyer = a_user()
    order = apis.order(buyer, status="awaiting:payment", expires_at=times.now() + PAST)

    shown = page(await as_user(buyer).get(f"/orders/{order.id}"))

    clock = shown.one("time")
    assert "Time left to confirm:" in shown.text
    assert clock.text in ("14:00", "13:59")
    assert int(clock["data-expires"]) == int((order.expires_at + HOLD).timestamp() * 1000)
    assert shown.one("noscript").one("meta")["content"].endswith(f"; url=/orders/{order.id}")


async def test_the_bank_s_question_has_no_clock_where_the_api_does_not_say_until_when(
    as_user: As, apis: FakeApis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An orders service of the release before `heldUntil`."""
    buyer = a_user()
    order = apis.order(buyer, status="awaiting:payment", expires_at=times.now() + PAST)
    monkeypatch.setattr(Order, "held_until", None)

    shown = page(await as_user(buyer).get(f"/orders/{order.id}"))

    assert shown.all("time") == []
    assert actions(shown) == ["confirm"]


async def test_cancelling_asks_first_and_shows_what_it_is_about(as_user: As, apis: FakeApis) -> None:
    buyer = a_user()
    order = apis.order(buyer, apis.sell("Opera", "12.50"))
    browser = as_user(buyer)

    asked = page(await browser.get(f"/orders/{order.id}/cancel"))

    assert asked.one("h1").text == "Cancel this order?"
    assert "Opera $12.50" in asked.one("main").text
    assert links_to(asked, f"/orders/{order.id}") == ["Keep the order"]
    assert order.status == "created"
    assert actions(asked) == ["cancel"]
    await browser.post(asked.one("main").one("form")["action"])
    assert order.status == "cancelled"


@pytest.mark.parametrize("status", ["complete", "cancelled"])
async def test_what_can_not_be_cancelled_is_not_asked_about(as_user: As, apis: FakeApis, status: str) -> None:
    buyer = a_user()
    order = apis.order(buyer, status=status)

    answer = await as_user(buyer).get(f"/orders/{order.id}/cancel")

    assert (answer.status_code, answer.headers["location"]) == (303, f"/orders/{order.id}")


async def test_another_buyers_order_is_not_asked_about(as_user: As, apis: FakeApis) -> None:
    order = apis.order(a_user())

    assert (await as_user(a_user()).get(f"/orders/{order.id}/cancel")).status_code == 401


async def test_an_order_can_be_cancelled(as_user: As, apis: FakeApis) -> None:
    buyer = a_user()
    order = apis.order(buyer)
    browser = as_user(buyer)

    answer = await browser.post(f"/orders/{order.id}/cancel")
    again = await browser.post(f"/orders/{order.id}/cancel")

    assert answer.headers["location"] == again.headers["location"] == f"/orders/{order.id}"
    assert order.status == "cancelled"


async def test_a_paid_order_can_not_be_cancelled(as_user: As, apis: FakeApis) -> None:
    buyer = a_user()
    order = apis.order(buyer, status="complete", payment="captured")

    answer = await as_user(buyer).post(f"/orders/{order.id}/cancel")

    assert answer.status_code == 400
    assert alerts(page(answer)) == ["Cannot cancel a completed order"]
    assert page(answer).one("span", cls="badge").text == "Paid"


async def test_another_users_order_is_refused_with_a_message(as_user: As, apis: FakeApis) -> None:
    order = apis.order(a_user())

    answer = await as_user(a_user()).get(f"/orders/{order.id}")

    assert answer.status_code == 401
    shown = page(answer)
    assert shown.one("h1").text == "You are not authorized to see this"
    assert "belongs to another account" in shown.one("ul", cls="messages").text


@pytest.mark.parametrize("order_id", [new_id(), "nope", "%2e%2e"])
async def test_an_unknown_order_is_a_404_page(as_user: As, order_id: str) -> None:
    answer = await as_user(a_user()).get(f"/orders/{order_id}")

    assert answer.status_code == 404
    assert page(answer).one("h1").text == "Page not found"


@pytest.mark.parametrize("action", ["pay", "confirm"])
async def test_the_address_of_a_form_leads_back_to_its_order(as_user: As, action: str) -> None:
    order_id = new_id()

    answer = await as_user(a_user()).get(f"/orders/{order_id}/{action}")

    assert (answer.status_code, answer.headers["location"]) == (303, f"/orders/{order_id}")
