from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
import pytest
from tests.conftest import As, Browser
from tests.dom import links, page, parse
from tests.fake_apis import FakeApis
from tests.fake_apis.orders import receipt_code

from client.receipts import qr_code
from common.base.ids import new_id
from common.testing.browser import SESSIONS, a_user

EMAIL = "ada@example.test"


async def test_a_paid_order_has_a_receipt_whose_code_anybody_can_verify(as_user: As, apis: FakeApis) -> None:
    buyer = a_user()
    apis.emails[buyer.id] = EMAIL
    order = apis.order(buyer, apis.sell("Opera", "12.5"), status="complete", payment="captured")
    order.completed_at = datetime(2026, 11, 27, 23, 59, tzinfo=UTC)
    browser = as_user(buyer)
    assert links(await browser.get(f"/orders/{order.id}"))["Receipt and QR code"]

    receipt = await browser.get(f"/orders/{order.id}/receipt")
    address = urlsplit(links(receipt)["Verify it yourself"])
    del browser.headers["Cookie"]
    verified = await browser.get(address.path)

    shown = page(receipt).one("main")
    assert shown.one("svg").one("title").text == "QR code of this receipt"
    assert "Paid $12.50 USD" in shown.text
    assert "Paid on Fri, Nov 27, 2026 (UTC)" in shown.text
    assert f"Seller {order.ticket.user_id}" in shown.text
    assert EMAIL in shown.text
    assert (address.scheme, address.netloc) == ("http", "gittix.test")
    assert verified.status_code == 200
    assert "This receipt is genuine" in page(verified).text
    assert "Opera" in page(verified).text
    assert order.id in page(verified).text
    assert EMAIL not in verified.text


async def test_the_code_leads_to_the_sites_own_address_whatever_host_was_asked(
    as_user: As, apis: FakeApis
) -> None:
    buyer = a_user()
    order = apis.order(buyer, status="complete", payment="captured")

    receipt = await as_user(buyer).get(f"/orders/{order.id}/receipt", headers={"Host": "evil.test"})

    assert links(receipt)["Verify it yourself"].startswith("http://gittix.test/receipts/")
    assert "evil.test" not in receipt.text


@pytest.mark.parametrize("status", ["created", "awaiting:payment", "cancelled"])
async def test_an_order_that_is_not_paid_has_none(as_user: As, apis: FakeApis, status: str) -> None:
    buyer = a_user()
    order = apis.order(buyer, status=status)

    answer = await as_user(buyer).get(f"/orders/{order.id}/receipt")

    assert (answer.status_code, answer.headers["location"]) == (303, f"/orders/{order.id}")


async def test_a_receipt_of_an_order_that_an_earlier_release_completed_has_no_day(
    as_user: As, apis: FakeApis
) -> None:
    buyer = a_user()
    order = apis.order(buyer, status="complete", payment="captured")

    receipt = await as_user(buyer).get(f"/orders/{order.id}/receipt")

    assert "Paid $" in page(receipt).text
    assert "Paid on" not in page(receipt).text


async def test_another_users_receipt_is_not_shown(as_user: As, apis: FakeApis) -> None:
    order = apis.order(a_user(), status="complete")

    assert (await as_user(a_user()).get(f"/orders/{order.id}/receipt")).status_code == 401


@pytest.mark.parametrize("code", ["x", "x" * 54, "x" * 5000, SESSIONS.token(a_user())])
async def test_a_code_that_orders_does_not_know_is_not_genuine(browser: Browser, code: str) -> None:
    answer = await browser.get(f"/receipts/{code}")

    assert answer.status_code == 404
    assert page(answer).one("h1").text == "This receipt is not genuine"


async def test_a_receipt_is_shown_without_its_code_while_orders_gives_none(
    as_user: As, apis: FakeApis
) -> None:
    """As during a rollout, beside a release whose pages signed the codes."""
    buyer = a_user()
    order = apis.order(buyer, status="complete")
    apis.without_receipts = True

    shown = page(await as_user(buyer).get(f"/orders/{order.id}/receipt")).one("main")

    assert "can't be shown right now" in shown.one("p", role="status").text
    assert list(shown.all("svg")) == []
    assert "Verify it yourself" not in shown.text
    assert order.id in shown.text


async def test_a_receipt_without_the_tickets_service_lacks_only_its_seller(
    as_user: As, apis: FakeApis
) -> None:
    buyer = a_user()
    order = apis.order(buyer, status="complete")
    del apis.tickets[order.ticket.id]

    shown = page(await as_user(buyer).get(f"/orders/{order.id}/receipt")).one("main")

    assert "Seller" not in shown.text
    assert order.id in shown.text


def test_the_qr_code_of_a_usual_address_has_at_most_41_modules_a_side(apis: FakeApis) -> None:
    order = apis.order(a_user(), status="complete")
    address = f"https://gittix.example/receipts/{receipt_code(order)}"

    drawn = parse(qr_code(address, "Code")).one("svg")

    assert int(drawn["viewbox"].split()[-1]) <= 4 * (41 + 2 * 4)


@pytest.mark.parametrize(
    ("payment", "words"),
    [
        ("captured", "This order is paid."),
        ("authorized", "This order is paid."),
        ("refunded", "This order was paid. The money was given back since."),
    ],
)
async def test_a_receipt_shows_the_present_state_of_the_payment_and_admits_nobody(
    browser: Browser, apis: FakeApis, payment: str, words: str
) -> None:
    order = apis.order(a_user(), status="complete", payment=payment)

    shown = page(await browser.get(f"/receipts/{receipt_code(order)}"))

    assert shown.one("h1").text == "This receipt is genuine"
    assert shown.one("main").one("p", role="status").text == words
    assert "it is not a ticket" in shown.text
    assert "admit" not in shown.text


async def test_while_orders_is_away_no_receipt_is_called_genuine_or_forged(
    browser: Browser, apis: FakeApis
) -> None:
    order = apis.order(a_user(), status="complete", payment="captured")
    apis.failure = httpx.Response(503)

    answer = await browser.get(f"/receipts/{receipt_code(order)}")

    assert answer.status_code == 503
    assert "genuine" not in page(answer).text


async def test_a_receipt_is_verified_beside_a_release_that_does_not_name_its_ticket(
    browser: Browser, apis: FakeApis
) -> None:
    apis.failure = httpx.Response(200, json={"id": new_id(), "status": "complete", "payment": "captured"})

    answer = await browser.get("/receipts/code")

    assert (answer.status_code, page(answer).one("h1").text) == (200, "This receipt is genuine")


@pytest.mark.parametrize("end", [".", ")", ").", ",", "。", "%EF%BC%89", "%22", "…", ">"])
async def test_the_punctuation_after_a_link_is_no_part_of_its_code(
    browser: Browser, apis: FakeApis, end: str
) -> None:
    order = apis.order(a_user(), status="complete", payment="captured")

    answer = await browser.get(f"/receipts/{receipt_code(order)}{end}")

    assert (answer.status_code, page(answer).one("h1").text) == (200, "This receipt is genuine")
