"""A seller's balance, account and entries, on the pages of sales."""

import re
from typing import Any

import httpx
import pytest
from tests.conftest import As
from tests.dom import Element, links, page
from tests.fake_apis import FakeApis, Order
from tests.fake_apis.fields import Refusal, not_found

from common.base.identity import CurrentUser
from common.testing.browser import a_user

CANNOT_BE_PAID = "You have sold tickets, and can't be paid yet."
NO_BALANCE = "Your balance can't be shown at the moment."
AWAY = [httpx.ConnectError("refused"), httpx.ReadTimeout("silent"), Refusal(500), Refusal(503), not_found()]


@pytest.fixture
def seller() -> CurrentUser:
    return a_user()


def a_sale(apis: FakeApis, seller: CurrentUser, price: str, fulfilment: str, **more: Any) -> Order:
    ticket = apis.sell("Opera", price, seller.id)
    return apis.order(a_user(), ticket, status="complete", payment="captured", fulfilment=fulfilment, **more)


def sums(shown: Element) -> list[str]:
    return [amount.text for amount in shown.one("dl", cls="sums").all("dd")]


async def sales_of(as_user: As, seller: CurrentUser) -> Element:
    answer = await as_user(seller).get("/sales")
    assert answer.status_code == 200
    return page(answer).one("main")


async def test_the_balance_is_exact(as_user: As, apis: FakeApis, seller: CurrentUser) -> None:
    for price, fulfilment in [("12.35", "delivered"), ("0.10", "disputed"), ("1000", "accepted")]:
        a_sale(apis, seller, price, fulfilment)
    a_sale(apis, seller, "7", "due")
    a_sale(apis, seller, "8", "refunded")
    a_sale(apis, a_user(), "9", "delivered")

    assert sums(await sales_of(as_user, seller)) == ["$12.45", "$1,000.00", "$0.00"]
    apis.accounts[seller.id] = True
    assert sums(await sales_of(as_user, seller)) == ["$12.45", "$0.00", "$1,000.00"]


@pytest.mark.parametrize("fulfilment", ["due", "delivered", "accepted"])
async def test_a_seller_with_sales_who_cannot_be_paid_is_warned(
    as_user: As, apis: FakeApis, seller: CurrentUser, fulfilment: str
) -> None:
    a_sale(apis, seller, "12.50", fulfilment)
    shown = await sales_of(as_user, seller)
    assert CANNOT_BE_PAID in shown.text
    assert shown.one("form", method="post", action="/sales/account").text == "Set up how you are paid"

    apis.accounts[seller.id] = False
    assert "Our payment provider needs to know more" in (await sales_of(as_user, seller)).text
    apis.accounts[seller.id] = True
    shown = await sales_of(as_user, seller)
    assert CANNOT_BE_PAID not in shown.text
    assert "You can be paid." in shown.text
    assert shown.all("form") == []


@pytest.mark.parametrize("fulfilment", [None, "refunded"])
async def test_a_seller_to_whom_nothing_is_owed_is_not_warned(
    as_user: As, apis: FakeApis, seller: CurrentUser, fulfilment: str | None
) -> None:
    if fulfilment:
        a_sale(apis, seller, "12.50", fulfilment)
    shown = await sales_of(as_user, seller)
    assert CANNOT_BE_PAID not in shown.text
    assert "Set up how you are paid" in shown.text


@pytest.mark.parametrize("failure", AWAY, ids=repr)
async def test_the_sales_are_shown_without_payments(
    as_user: As, apis: FakeApis, seller: CurrentUser, failure: Exception
) -> None:
    a_sale(apis, seller, "12.50", "delivered")
    apis.payments_failure = failure

    shown = await sales_of(as_user, seller)

    assert NO_BALANCE in shown.text
    assert shown.all("dl", cls="sums") == []
    assert shown.one("ul", cls="rows").one("li").text == "Opera $12.50 Handed over"


@pytest.mark.parametrize("failure", AWAY[1:], ids=repr)
async def test_without_payments_there_is_no_form_and_no_entry(
    as_user: As, apis: FakeApis, seller: CurrentUser, failure: Exception
) -> None:
    apis.payments_failure = failure
    browser = as_user(seller)

    for answer in (await browser.get("/sales/payments"), await browser.post("/sales/account")):
        assert answer.status_code in (500, 503)
        assert page(answer).one("h1").text


@pytest.mark.parametrize("host", ["https://provider.test", ""])
async def test_the_button_leads_to_the_providers_form(
    as_user: As, apis: FakeApis, seller: CurrentUser, host: str
) -> None:
    apis.form_host = host

    answer = await as_user(seller).post("/sales/account")

    assert answer.status_code == 200
    url = links(answer)["Continue to the provider"]
    assert url == f"{host}/api/payments/fake/accounts/acct_{seller.id}"
    assert "form-action 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert (await as_user(seller).get("/sales/account")).headers["location"] == "/sales"


async def test_an_address_that_runs_code_is_no_form(as_user: As, apis: FakeApis, seller: CurrentUser) -> None:
    apis.form_host = "javascript:alert(1)//"
    answer = await as_user(seller).post("/sales/account")
    assert "javascript:" not in answer.text
    assert answer.status_code == 500


async def test_each_entry_leads_to_its_sale(as_user: As, apis: FakeApis, seller: CurrentUser) -> None:
    first = a_sale(apis, seller, "12.50", "delivered")
    second = a_sale(apis, seller, "8", "refunded")
    a_sale(apis, a_user(), "9", "delivered")
    browser = as_user(seller)

    shown = page(await browser.get(links(await browser.get("/sales"))["See each payment"])).one("main")

    rows = shown.one("ul", cls="rows").all("li")
    assert [row.one("a")["href"] for row in rows] == [f"/sales/{order.id}" for order in (second, first)]
    assert re.fullmatch(rf"Sale {second.id} .*\(UTC\) Sold for \$8\.00 \$0\.00 Refunded", rows[0].text)
    assert rows[1].text.endswith("Sold for $12.50 $12.50 Not accepted yet")


async def test_entries_come_in_pages(as_user: As, apis: FakeApis, seller: CurrentUser) -> None:
    for _ in range(3):
        a_sale(apis, seller, "12.50", "delivered")
    browser = as_user(seller)

    first = await browser.get("/sales/payments?limit=2&cursor=nonsense")
    second = await browser.get(links(first)["Next page"])

    assert [len(page(found).one("ul", cls="rows").all("li")) for found in (first, second)] == [2, 1]
    assert "First page" in links(second)


async def test_no_entries_yet(as_user: As, seller: CurrentUser) -> None:
    assert "No money has moved yet." in page(await as_user(seller).get("/sales/payments")).text


async def test_a_visitor_signs_in_first(browser: httpx.AsyncClient) -> None:
    for answer in (await browser.get("/sales/payments"), await browser.post("/sales/account")):
        assert answer.headers["location"].startswith("/auth/signin")
