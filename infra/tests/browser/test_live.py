"""An open page during other users' actions, in Chromium."""

import secrets

import pytest
from playwright.async_api import expect
from tests.browser.conftest import NewVisitor as Visit

pytestmark = pytest.mark.connected

AT_MOST_MILLISECONDS = 1_000


@pytest.fixture
def javascript() -> bool:
    """Only with JavaScript: without it, an open page does not update."""
    return True


async def test_a_page_shows_what_others_do_without_being_loaded_again(visit: Visit) -> None:
    title = f"Concert {secrets.token_hex(4)}"
    seller, buyer, watcher = await visit("seller"), await visit("buyer"), await visit("watcher")
    await seller.sign_up()
    await seller.sell(title, "20.00")
    await buyer.sign_up()
    await watcher.open("/")
    await watcher.page.get_by_role("link", name=title, exact=True).click()
    state = watcher.page.locator("#state")
    await expect(state.get_by_role("button", name="Purchase")).to_be_visible()
    await watcher.page.evaluate("window.mark = 'not loaded again'")

    await seller.open("/listings")
    await seller.page.get_by_role("link", name=title, exact=True).click()
    await seller.page.get_by_role("link", name="Edit").click()
    await seller.page.get_by_label("Price").fill("25.50")
    await state.get_by_role("button", name="Purchase").focus()
    await seller.page.get_by_role("button", name="Save").click()
    await expect(state.get_by_text("$25.50")).to_be_visible(timeout=AT_MOST_MILLISECONDS)
    # A key press that was meant for the button must not buy after the price has changed.
    await expect(state).to_be_focused()

    await buyer.buy(title)
    await expect(state.get_by_role("button", name="Purchase")).to_have_count(0, timeout=AT_MOST_MILLISECONDS)
    await watcher.shot("live-held")
    await buyer.pay()
    await expect(buyer.page.get_by_text("Now the seller hands the ticket over")).to_be_visible()
    await expect(state.get_by_text("sold", exact=False).first).to_be_visible(timeout=AT_MOST_MILLISECONDS)
    await watcher.shot("live-sold")

    assert await watcher.page.evaluate("window.mark") == "not loaded again"


async def test_a_price_that_changes_under_the_pointer_is_said_and_buys_nothing(visit: Visit) -> None:
    title = f"Concert {secrets.token_hex(4)}"
    seller, buyer = await visit("seller"), await visit("buyer")
    await seller.sign_up()
    await seller.sell(title, "20.00")
    await buyer.sign_up()
    await buyer.look_at(title)
    button = buyer.page.get_by_role("button", name="Purchase")
    await button.hover()

    await seller.page.get_by_role("link", name="Edit").click()
    await seller.page.get_by_label("Price").fill("25.50")
    await seller.page.get_by_role("button", name="Save").click()
    await expect(buyer.page.get_by_text("The price changed from $20.00 to $25.50.")).to_be_visible()
    await buyer.shot("price-changed")
    await buyer.page.mouse.down()
    await buyer.page.mouse.up()

    both = buyer.page.get_by_text("The price was $20.00 when you looked, and is $25.50 now.")
    await expect(both).to_be_visible()
    await button.click()
    await expect(buyer.page.get_by_role("button", name="Pay $25.50")).to_be_visible()


async def test_a_price_that_was_on_the_screen_for_a_moment_is_bought_at(visit: Visit) -> None:
    title = f"Concert {secrets.token_hex(4)}"
    seller, buyer = await visit("seller"), await visit("buyer")
    await seller.sign_up()
    await seller.sell(title, "20.00")
    await buyer.sign_up()
    await buyer.look_at(title)
    button, price = buyer.page.get_by_role("button", name="Purchase"), buyer.page.locator("input[name=price]")
    await button.hover()

    await seller.page.get_by_role("link", name="Edit").click()
    await seller.page.get_by_label("Price").fill("25.50")
    await seller.page.get_by_role("button", name="Save").click()
    await expect(buyer.page.get_by_text("The price changed from $20.00 to $25.50.")).to_be_visible()
    await expect(price).to_have_value("20.00")
    await buyer.page.mouse.move(1, 1)
    await expect(price).to_have_value("25.50")
    await button.click()

    await expect(buyer.page.get_by_role("button", name="Pay $25.50")).to_be_visible()


async def test_a_page_that_is_open_as_its_ticket_is_withdrawn_says_so(visit: Visit) -> None:
    title = f"Concert {secrets.token_hex(4)}"
    seller, watcher = await visit("seller"), await visit("watcher")
    await seller.sign_up()
    await seller.sell(title, "20.00")
    await watcher.open("/")
    await watcher.page.get_by_role("link", name=title, exact=True).click()
    state = watcher.page.locator("#state")
    await expect(state.get_by_role("button", name="Purchase")).to_be_visible()

    await seller.open("/listings")
    await seller.page.get_by_role("link", name=title, exact=True).click()
    await seller.page.get_by_role("link", name="Withdraw").click()
    await seller.page.get_by_role("button", name="Withdraw").click()

    await expect(state.get_by_text("Withdrawn", exact=True)).to_be_visible(timeout=AT_MOST_MILLISECONDS)
    await expect(state.get_by_role("button", name="Purchase")).to_have_count(0)
