"""Two real clicks at the same place, a moment apart, on a slow line: every form has its effect once.

Playwright's `dblclick` shows nothing of it: of two submissions within milliseconds Chromium sends one.
"""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect
from tests.browser.conftest import NewVisitor
from tests.browser.slow_line import slow_line
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.connected

PASSWORD = "correct horse battery"


@pytest.fixture(params=[0.15, pytest.param(0.5, marks=pytest.mark.thorough)])
def gap(request: pytest.FixtureRequest) -> float:
    """Seconds between the clicks."""
    return float(request.param)


@pytest.fixture
def title() -> str:
    return f"Duet {secrets.token_hex(4)}"


@pytest.fixture
async def slow(edge: str) -> AsyncIterator[str]:
    """Named before `open_window` by a test, so that it outlives the windows."""
    async with slow_line(edge) as address:
        yield address


async def click_twice(page: Page, target: Locator, gap: float) -> None:
    await target.scroll_into_view_if_needed()
    await target.hover()
    box = await target.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    await page.mouse.click(x, y)
    await asyncio.sleep(gap)
    await page.mouse.click(x, y)


async def a_member(open_window: NewVisitor, name: str = "member", **options: Any) -> Visitor:
    visitor = await open_window(name, **options)
    await visitor.sign_up()
    return visitor


async def api(visitor: Visitor, method: str, path: str, body: Any = None) -> Any:
    """What the API answers to the visitor."""
    answer = await visitor.page.request.fetch(f"{visitor.edge}/api{path}", method=method, data=body)
    text = await answer.text()
    assert answer.ok, f"{answer.status} {text}"
    return await answer.json() if text else None


async def listings(visitor: Visitor, title: str) -> list[str]:
    """The versions of the visitor's listings of that title, each with its status."""
    found = await api(visitor, "GET", "/tickets?seller=me&limit=100")
    return [f"{ticket['status']} {ticket['version']}" for ticket in found if ticket["title"] == title]


async def offered(visitor: Visitor, title: str) -> str:
    ticket = await api(visitor, "POST", "/tickets", {"title": title, "price": 20})
    return str(ticket["id"])


async def ordered(slow: str, open_window: NewVisitor, title: str) -> tuple[Visitor, str]:
    """A buyer, and the path of an order that is still held for some seconds.

    The slow line's style sheet is in the browser's cache already.
    """
    seller, buyer = await a_member(open_window, "seller"), await a_member(open_window, "buyer")
    ticket = await offered(seller, title)
    await buyer.page.goto(f"{slow}/orders")
    while True:
        answer = await buyer.page.request.post(f"{buyer.edge}/api/orders", data={"ticketId": ticket})
        if answer.status != 404:
            return buyer, f"/orders/{(await answer.json())['id']}"


async def test_a_sell_form_lists_one_ticket(
    slow: str, open_window: NewVisitor, title: str, gap: float
) -> None:
    seller = await a_member(open_window)
    await seller.page.goto(f"{slow}/tickets/new")
    await seller.page.get_by_label("Title").fill(title)
    await seller.page.get_by_label("Price").fill("20")

    await click_twice(seller.page, seller.page.get_by_role("button", name="Put on sale"), gap)

    await expect(seller.page.get_by_role("heading", name=title)).to_be_visible()
    assert await listings(seller, title) == ["available 0"]


async def test_a_sign_up_and_a_sign_in_end_signed_in(slow: str, open_window: NewVisitor, gap: float) -> None:
    visitor = await open_window("newcomer")
    email = f"{secrets.token_hex(6)}@browser.test"
    for action in ("Sign Up", "Sign In"):
        await visitor.page.goto(f"{slow}/auth/{action.replace(' ', '').lower()}")
        await visitor.page.get_by_label("Email").fill(email)
        await visitor.page.get_by_label("Password").fill(PASSWORD)

        await click_twice(
            visitor.page, visitor.page.get_by_role("main").get_by_role("button", name=action), gap
        )

        await expect(visitor.page.get_by_role("button", name="Sign Out")).to_be_visible()
        await visitor.page.context.clear_cookies()


async def test_a_sign_out_and_a_choice_of_language_take_effect(
    slow: str, open_window: NewVisitor, gap: float
) -> None:
    visitor = await a_member(open_window)
    await visitor.page.goto(f"{slow}/orders")

    await click_twice(visitor.page, visitor.page.get_by_role("button", name="中文"), gap)
    await expect(visitor.page.get_by_role("heading", name="我的订单")).to_be_visible()
    await click_twice(visitor.page, visitor.page.get_by_role("button", name="English"), gap)
    await expect(visitor.page.get_by_role("heading", name="My Orders")).to_be_visible()
    await click_twice(visitor.page, visitor.page.get_by_role("button", name="Sign Out"), gap)
    await expect(visitor.page.get_by_role("link", name="Sign In", exact=True)).to_be_visible()


async def test_a_purchase_orders_once(slow: str, open_window: NewVisitor, title: str, gap: float) -> None:
    seller, buyer = await a_member(open_window, "seller"), await a_member(open_window, "buyer")
    ticket = await offered(seller, title)
    await buyer.page.goto(f"{slow}/tickets/{ticket}")

    await click_twice(buyer.page, buyer.page.get_by_role("button", name="Purchase"), gap)

    await expect(buyer.page).to_have_url(re.compile("/orders/"))
    assert [order["ticket"]["id"] for order in await api(buyer, "GET", "/orders")] == [ticket]


async def test_a_payment_pays_once(slow: str, open_window: NewVisitor, title: str, gap: float) -> None:
    buyer, order = await ordered(slow, open_window, title)
    await buyer.page.goto(slow + order, wait_until="commit")

    await click_twice(buyer.page, buyer.page.get_by_role("button", name="Pay $20.00"), gap)

    await expect(buyer.page.get_by_text("Now the seller hands the ticket over")).to_be_visible()
    assert [found["status"] for found in await api(buyer, "GET", "/orders")] == ["complete"]


async def test_a_cancellation_that_was_confirmed_cancels_once(
    slow: str, open_window: NewVisitor, title: str, gap: float
) -> None:
    buyer, order = await ordered(slow, open_window, title)
    await buyer.page.goto(f"{slow}{order}/cancel", wait_until="commit")

    await click_twice(buyer.page, buyer.page.get_by_role("button", name="Cancel order"), gap)

    await expect(buyer.page).to_have_url(slow + order)
    found = await api(buyer, "GET", order)
    assert (found["status"], found["version"]) == ("cancelled", 1)


async def test_an_edit_saves_once(slow: str, open_window: NewVisitor, title: str, gap: float) -> None:
    seller = await a_member(open_window)
    ticket = await offered(seller, title)
    await seller.page.goto(f"{slow}/tickets/{ticket}/edit")
    await seller.page.get_by_label("Price").fill("25")

    await click_twice(seller.page, seller.page.get_by_role("button", name="Save"), gap)

    await expect(seller.page.get_by_text("$25.00")).to_be_visible()
    assert await listings(seller, title) == ["available 1"]


async def test_a_withdrawal_and_the_way_back_take_effect_once(
    slow: str, open_window: NewVisitor, title: str, gap: float
) -> None:
    seller = await a_member(open_window)
    ticket = await offered(seller, title)
    await seller.page.goto(f"{slow}/tickets/{ticket}/withdraw")

    await click_twice(seller.page, seller.page.get_by_role("button", name="Withdraw"), gap)
    await expect(seller.page.get_by_text("Your ticket is withdrawn.")).to_be_visible()
    assert await listings(seller, title) == ["withdrawn 1"]

    back = seller.page.get_by_role("button", name="Put back on sale").and_(
        seller.page.locator(f'[aria-label*="{title}"]')
    )
    await click_twice(seller.page, back, gap)
    await expect(seller.page.get_by_text("Your ticket is back on sale.")).to_be_visible()
    assert await listings(seller, title) == ["available 2"]


# On a fast line the second click meets the page that the first one led to.

ROWS = 8
SIZES = [{"width": 1280, "height": 900}, {"width": 390, "height": 844}]


def rows(visitor: Visitor) -> Locator:
    return visitor.page.get_by_role("main").locator("ul.rows > li")


async def a_seller_of_many(open_window: NewVisitor, title: str, size: dict[str, int]) -> Visitor:
    seller = await a_member(open_window, viewport=size)
    for number in range(ROWS):
        await offered(seller, f"{title} {number}")
    return seller


async def top(visitor: Visitor, element: Locator) -> float:
    """Its distance from the top of the document, in pixels."""
    box = await element.bounding_box()
    assert box is not None
    return float(box["y"] + await visitor.page.evaluate("scrollY"))


async def statuses(visitor: Visitor) -> list[str]:
    found = await api(visitor, "GET", "/tickets?seller=me")
    return [ticket["status"] for ticket in found]


@pytest.mark.parametrize("size", SIZES, ids=["desk", "phone"])
async def test_a_double_click_on_withdraw_in_the_list_withdraws_nothing_before_it_is_confirmed(
    open_window: NewVisitor, title: str, gap: float, size: dict[str, int]
) -> None:
    seller = await a_seller_of_many(open_window, title, size)
    await seller.open("/listings")

    # At the window's lower edge the second click would meet the next page's footer, which does no harm.
    withdraw = rows(seller).nth(3).get_by_role("link", name="Withdraw")
    await withdraw.evaluate("link => link.scrollIntoView({block: 'center'})")
    await click_twice(seller.page, withdraw, gap)

    await expect(seller.page.get_by_role("heading", name="Withdraw this ticket?")).to_be_visible()
    assert await statuses(seller) == ["available"] * ROWS
    await seller.shot(f"withdraw-{size['width']}")

    await click_twice(seller.page, seller.page.get_by_role("button", name="Withdraw"), gap)

    fourth = rows(seller).nth(3)
    await expect(fourth.get_by_text("Withdrawn", exact=True)).to_be_visible()
    assert seller.page.url.endswith("/listings")
    assert await statuses(seller) == ["available"] * 3 + ["withdrawn"] + ["available"] * (ROWS - 4)


@pytest.mark.parametrize("size", SIZES, ids=["desk", "phone"])
async def test_a_double_click_on_the_way_back_moves_no_row_and_opens_nothing_else(
    open_window: NewVisitor, title: str, gap: float, size: dict[str, int]
) -> None:
    seller = await a_seller_of_many(open_window, title, size)
    for ticket in await api(seller, "GET", "/tickets?seller=me"):
        await api(seller, "DELETE", f"/tickets/{ticket['id']}")
    await seller.open("/listings")
    before = await top(seller, rows(seller).nth(3))

    await click_twice(seller.page, rows(seller).nth(3).get_by_role("button"), gap)

    await expect(seller.page.get_by_text("Your ticket is back on sale.")).to_be_visible()
    assert await statuses(seller) == ["withdrawn"] * 3 + ["available"] + ["withdrawn"] * (ROWS - 4)
    assert seller.page.url.endswith("/listings")
    assert await top(seller, rows(seller).nth(3)) == pytest.approx(before, abs=1)
    await seller.shot(f"relisted-{size['width']}")


async def test_a_sent_sell_form_that_is_sent_again_with_another_text_asks_first(
    open_window: NewVisitor, title: str
) -> None:
    """As after Back to a page that the browser kept: the form has the key that was sent."""
    seller = await a_member(open_window)
    page, key = seller.page, seller.page.locator("input[name=key]")

    async def fill(text: str) -> None:
        await seller.open("/tickets/new")
        await page.get_by_label("Title").fill(text)
        await page.get_by_label("Price").fill("20")

    await fill(title)
    sent = await key.input_value()
    await page.get_by_role("button", name="Put on sale").click()
    await expect(page.get_by_role("heading", name=title)).to_be_visible()
    await fill(f"{title}, another")
    await key.evaluate("(input, sent) => { input.value = sent }", sent)
    await page.get_by_role("button", name="Put on sale").click()

    await expect(page.get_by_role("alert")).to_contain_text("you have listed a ticket already")
    await seller.shot("sell-sent-before")
    assert await listings(seller, f"{title}, another") == []
    await page.get_by_role("button", name="Put on sale").click()
    await expect(page.get_by_role("heading", name=f"{title}, another")).to_be_visible()
    assert await listings(seller, title) == ["available 0"]


async def test_of_two_tabs_the_older_edit_form_is_told_so(open_window: NewVisitor, title: str) -> None:
    seller = await a_member(open_window)
    path = f"/tickets/{await offered(seller, title)}/edit"
    other = await seller.page.context.new_page()
    for page in (seller.page, other):
        await page.goto(seller.edge + path)
    await other.get_by_label("Price").fill("25")
    await other.get_by_role("button", name="Save").click()
    await expect(other.get_by_text("$25.00")).to_be_visible()
    await seller.page.get_by_label("Venue").fill("Great Hall")

    await seller.page.get_by_role("button", name="Save").click()

    await expect(seller.page.get_by_role("alert")).to_contain_text(f"It is now: {title} ($25.00).")
    await expect(seller.page.get_by_label("Venue")).to_have_value("Great Hall")
    await seller.shot("edit-stale")
    assert await listings(seller, title) == ["available 1"]
