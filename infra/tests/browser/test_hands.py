"""Unusual use of pages: keyboard only, double clicks, two users at once, back and forward."""

import asyncio
import re
import secrets

import pytest
from playwright.async_api import Page, expect
from tests.browser.conftest import NewVisitor
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.connected

ANSWERED = re.compile("/orders/|/purchase$")
"""Path of an order, or of the ticket page with a refusal."""


@pytest.fixture
def title() -> str:
    return f"Recital {secrets.token_hex(4)}"


async def tab_to(page: Page, name: str) -> None:
    """Press Tab until the element of that name has the focus, which must be visible."""
    for _ in range(40):
        await page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if await focused.count() and name in await focused.evaluate(
            "e => (e.labels?.[0] ?? e).textContent + ' ' + (e.getAttribute('aria-label') ?? '')"
        ):
            ring = await focused.evaluate(
                "e => [getComputedStyle(e).outlineStyle, getComputedStyle(e, '::after').outlineStyle]"
            )
            assert "solid" in ring, f"the focus on {name} can't be seen"
            return
    raise AssertionError(f"{name} is not reached by Tab on {page.url}")


async def test_the_whole_path_by_keyboard_alone(open_window: NewVisitor, title: str) -> None:
    visitor = await open_window("keyboard")
    page = visitor.page

    async def fill(label: str, text: str) -> None:
        await tab_to(page, label)
        await page.keyboard.type(text)

    async def sign_up() -> None:
        await visitor.open("/auth/signup")
        await fill("Email", f"{secrets.token_hex(6)}@browser.test")
        await fill("Password", "correct horse battery")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("button", name="Sign Out")).to_be_visible()

    await sign_up()
    await visitor.open("/tickets/new")
    await fill("Title", title)
    await fill("Price", "20")
    await tab_to(page, "Put on sale")
    await page.keyboard.press("Space")
    await expect(page.get_by_role("heading", name=title)).to_be_visible()
    await tab_to(page, "Sign Out")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("You are signed out.")).to_be_visible()

    await sign_up()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    await tab_to(page, title)
    await page.keyboard.press("Enter")
    await tab_to(page, "Purchase")
    await page.keyboard.press("Enter")
    await tab_to(page, "Good card")
    await tab_to(page, "Pay $20.00")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Now the seller hands the ticket over")).to_be_visible()


async def two(open_window: NewVisitor, title: str) -> tuple[Visitor, Visitor]:
    """A seller with a ticket on sale, and a buyer."""
    seller, buyer = await open_window("seller"), await open_window("buyer")
    await seller.sign_up()
    await seller.sell(title, "20")
    await buyer.sign_up()
    return seller, buyer


async def test_of_two_buyers_at_once_one_gets_the_ticket_and_the_other_reads_why_not(
    open_window: NewVisitor, title: str
) -> None:
    seller = await open_window("seller")
    await seller.sign_up()
    await seller.sell(title, "20")
    # Without JavaScript: with it, the slower user's page may have no button any more.
    first, second = [await open_window(name, java_script_enabled=False) for name in ("first", "second")]
    for buyer in (first, second):
        await buyer.sign_up()
        await buyer.look_at(title)

    await asyncio.gather(
        *(buyer.page.get_by_role("button", name="Purchase").click() for buyer in (first, second))
    )
    await asyncio.gather(*(expect(buyer.page).to_have_url(ANSWERED) for buyer in (first, second)))

    won = ["/orders/" in buyer.page.url for buyer in (first, second)]
    assert sorted(won) == [False, True]
    loser = (first, second)[won.index(False)]
    await expect(loser.page.get_by_role("alert")).to_have_text("Ticket is already reserved")
    await expect(loser.page.get_by_text("Another buyer holds this ticket.")).to_be_visible()
    await loser.shot("lost")


async def test_a_double_click_orders_once_and_pays_once(open_window: NewVisitor, title: str) -> None:
    _, buyer = await two(open_window, title)
    await buyer.look_at(title)
    await buyer.page.get_by_role("button", name="Purchase").dblclick()
    await expect(buyer.page.get_by_text("Time left to pay")).to_be_visible()
    await buyer.page.get_by_role("button", name="Pay $").dblclick()
    await expect(buyer.page.get_by_text("Now the seller hands the ticket over")).to_be_visible()

    await buyer.open("/orders")
    await expect(buyer.page.get_by_role("link", name=title, exact=True)).to_have_count(1)


async def test_going_back_after_paying_and_paying_again_charges_nothing_more(
    open_window: NewVisitor, title: str
) -> None:
    _, buyer = await two(open_window, title)
    await buyer.buy(title)
    await buyer.pay()
    await expect(buyer.page.get_by_text("Now the seller hands the ticket over")).to_be_visible()

    await buyer.page.go_back()
    await buyer.page.reload()

    # The page does not come from the browser's cache: no cache stores signed-in pages.
    await expect(buyer.page.get_by_text("Now the seller hands the ticket over")).to_be_visible()
    await expect(buyer.page.get_by_role("button", name="Pay $")).to_have_count(0)


async def test_reloading_a_refused_form_sends_nothing_twice(open_window: NewVisitor, title: str) -> None:
    _, buyer = await two(open_window, title)
    await buyer.buy(title)
    await buyer.pay("Empty card")
    await expect(buyer.page.get_by_role("alert")).to_have_text("Your card was declined.")

    await buyer.page.goto(buyer.page.url)

    await expect(buyer.page.get_by_text("Time left to pay")).to_be_visible()
    await expect(buyer.page.get_by_role("alert")).to_have_count(0)


async def test_an_order_paid_in_one_tab_is_paid_in_the_other(open_window: NewVisitor, title: str) -> None:
    _, buyer = await two(open_window, title)
    await buyer.buy(title)
    other = await buyer.page.context.new_page()
    await other.goto(buyer.page.url)
    await buyer.pay()
    await expect(buyer.page.get_by_text("Now the seller hands the ticket over")).to_be_visible()

    await other.get_by_role("button", name="Pay $").click()

    await expect(other.get_by_text("Now the seller hands the ticket over")).to_be_visible()
    await buyer.open("/orders")
    await expect(buyer.page.get_by_role("link", name=title, exact=True)).to_have_count(1)


async def test_a_price_that_changed_is_shown_before_it_is_paid(open_window: NewVisitor, title: str) -> None:
    seller, buyer = await two(open_window, title)
    # Without JavaScript, the page receives no update meanwhile.
    context = await buyer.page.context.browser.new_context(  # type: ignore[union-attr]  # it has one
        java_script_enabled=False, storage_state=await buyer.page.context.storage_state()
    )
    still = Visitor.at(await context.new_page(), buyer.edge, "still")
    await still.look_at(title)
    await seller.page.get_by_role("link", name="Edit").click()
    await seller.page.get_by_label("Price").fill("25")
    await seller.page.get_by_role("button", name="Save").click()
    await expect(seller.page.get_by_text("$25.00")).to_be_visible()

    await still.page.get_by_role("button", name="Purchase").click()

    await expect(
        still.page.get_by_text("The price was $20.00 when you looked, and is $25.00 now.")
    ).to_be_visible()
    await still.page.get_by_role("button", name="Purchase").click()
    await expect(still.page.get_by_role("button", name="Pay $25.00")).to_be_visible()
    await context.close()


async def test_a_search_narrows_the_list_as_one_types(open_window: NewVisitor) -> None:
    word = secrets.token_hex(4)
    seller = await open_window("seller")
    await seller.sign_up()
    for name, price in (("Café", "20"), ("Opera", "30")):
        await seller.sell(f"{name} {word}", price)
    await seller.can_find(word, 2)
    await seller.open("/")

    await seller.page.get_by_label("Search").fill(f"cafe {word}")

    cards = seller.page.get_by_role("region", name="Tickets").get_by_role("link")
    await expect(cards).to_have_text([f"Café {word}"])
    await expect(seller.page.get_by_role("status")).to_have_text("1 ticket found")
    assert f"q=cafe+{word}" in seller.page.url.replace("%20", "+")
    await seller.page.get_by_label("Search").fill(word)
    await seller.page.get_by_label("Price from").fill("25")
    await seller.page.get_by_label("Price from").press("Enter")
    await expect(cards).to_have_text([f"Opera {word}"])


async def test_the_language_can_be_switched_on_any_page(open_window: NewVisitor) -> None:
    visitor = await open_window("reader", locale="zh-CN")
    await visitor.open("/auth/signin?next=%2Forders")
    await expect(visitor.page.get_by_role("heading", name="登录")).to_be_visible()
    await visitor.page.get_by_role("button", name="English").click()

    await expect(visitor.page.get_by_role("heading", name="Sign In")).to_be_visible()
    assert visitor.page.url.endswith("/auth/signin?next=%2Forders")
