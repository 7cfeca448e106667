"""The page of a user at a limit says so, and keeps what was typed."""

import httpx
import pytest
from tests.conftest import As
from tests.dom import alerts, page
from tests.fake_apis import FakeApis

from client.messages import Wait, message_for
from common.testing.browser import a_user

OFFER = {"title": "Concert", "price": "20"}


def refusal(code: str, seconds: str) -> httpx.Response:
    entry = {"code": code, "message": "The API's own words"}
    return httpx.Response(429, json={"errors": [entry]}, headers={"Retry-After": seconds})


async def test_a_buyer_of_too_many_unpaid_tickets_reads_on_the_ticket_what_to_do(
    as_user: As, apis: FakeApis
) -> None:
    buyer, ticket = a_user(), apis.sell()
    for _ in range(5):
        apis.order(buyer)

    answer = await as_user(buyer).post(f"/tickets/{ticket.id}/purchase", data={"price": "20.00"})

    assert answer.status_code == 429
    (alert,) = alerts(page(answer))
    assert "Pay for one or cancel it, then purchase this one." in alert
    assert "free again in 15 minutes" in alert
    assert page(answer).one("h1").text == "Concert"


async def test_an_order_of_too_many_declined_cards_says_so(as_user: As, apis: FakeApis) -> None:
    buyer = a_user()
    order, browser = apis.order(buyer), as_user(buyer)
    for _ in range(5):
        await browser.post(f"/orders/{order.id}/pay", data={"token": "tok_chargeDeclined"})

    answer = await browser.post(f"/orders/{order.id}/pay", data={"token": "tok_visa"})

    assert answer.status_code == 429
    assert "it can't be paid any more. Nothing was charged." in "".join(alerts(page(answer)))


@pytest.mark.parametrize("limit", ["listings-limit", "listings-per-hour-limit"])
async def test_a_seller_at_a_limit_keeps_what_was_typed(as_user: As, apis: FakeApis, limit: str) -> None:
    seller = a_user()
    if limit == "listings-limit":
        for _ in range(100):
            apis.sell(seller=seller.id)
    browser = as_user(seller)
    form = page(await browser.get("/tickets/new")).one("main").one("form")
    key = next(field for field in form.all("input") if field["name"] == "key").attributes["value"]
    if limit == "listings-per-hour-limit":
        apis.failure = refusal(limit, "1800")

    answer = await browser.post("/tickets/new", data={**OFFER, "key": key})

    assert answer.status_code == (400 if limit == "listings-limit" else 429)
    (alert,) = alerts(page(answer))
    assert ("Withdraw one" if limit == "listings-limit" else "in 30 minutes") in alert
    typed = {field["name"]: field.attributes.get("value") for field in page(answer).one("main").all("input")}
    assert (typed["title"], typed["price"], typed["key"]) == ("Concert", "20", key)


@pytest.mark.parametrize(
    ("seconds", "shown"), [("59", 59), ("61", 120), ("7100", 7140), ("7201", 10_800), ("86399", 86_400)]
)
def test_a_long_wait_is_in_whole_minutes_and_a_longer_one_in_whole_hours(seconds: str, shown: int) -> None:
    found = message_for("reorder-paused", "", seconds)

    assert isinstance(found, Wait)
    assert found.seconds == shown
