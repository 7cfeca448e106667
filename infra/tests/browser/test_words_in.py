"""Dates that the browser cannot read, prices in a style of one's own; with and without JavaScript."""

import secrets

import pytest
from playwright.async_api import Locator, expect
from tests.browser.conftest import NewVisitor as Visit
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.connected


@pytest.fixture
def title() -> str:
    return f"Recital {secrets.token_hex(4)}"


async def typed(field: Locator, keys: str) -> None:
    """Types from the field's first part on, such as the month."""
    await field.evaluate("e => { e.blur(); e.focus(); }")
    await field.press_sequentially(keys)


async def is_unreadable(visitor: Visitor) -> bool:
    found: bool = await visitor.page.get_by_label("Date of the event").evaluate("e => e.validity.badInput")
    return found


@pytest.mark.parametrize("keys", ["0531", "02302088"])
async def test_a_date_that_the_browser_can_not_read_is_never_dropped(
    visit: Visit, title: str, keys: str
) -> None:
    seller = await visit("seller")
    await seller.sign_up()
    await seller.open("/tickets/new")
    await seller.page.get_by_label("Title").fill(title)
    await seller.page.get_by_label("Price").fill("20")
    await typed(seller.page.get_by_label("Date of the event"), keys)
    assert await is_unreadable(seller)

    await seller.page.get_by_role("button", name="Put on sale").click()

    # Where the form were sent, its answer would be another page, or a problem beside a field.
    await expect(seller.page.get_by_label("Date of the event")).to_be_focused()
    assert seller.page.url.endswith("/tickets/new")
    assert not await seller.is_listed(title)


async def test_an_edit_with_such_a_date_keeps_the_one_that_was_there(visit: Visit, title: str) -> None:
    seller = await visit("seller")
    await seller.sign_up()
    await seller.open("/tickets/new")
    await seller.page.get_by_label("Title").fill(title)
    await seller.page.get_by_label("Price").fill("20")
    await seller.page.get_by_label("Date of the event").fill("2087-05-31")
    await seller.page.get_by_role("button", name="Put on sale").click()
    await seller.page.get_by_role("link", name="Edit").click()
    date = seller.page.get_by_label("Date of the event")
    await typed(date, "02")
    assert await is_unreadable(seller)

    await seller.page.get_by_role("button", name="Save").click()

    await expect(date).to_be_focused()
    await seller.look_at(title)
    await expect(seller.page.get_by_text("Sat, May 31, 2087")).to_be_visible()


async def test_an_edit_that_takes_the_date_away_says_so(visit: Visit, title: str) -> None:
    seller = await visit("seller")
    await seller.sign_up()
    await seller.sell(title, "20")
    await seller.page.get_by_role("link", name="Edit").click()
    await seller.page.get_by_label("Date of the event").fill("2087-05-31")
    await seller.page.get_by_role("button", name="Save").click()
    await expect(seller.page.get_by_role("status")).to_have_text("Your changes are saved.")
    await seller.page.get_by_role("link", name="Edit").click()
    await seller.page.get_by_label("Date of the event").fill("")
    await seller.page.get_by_role("button", name="Save").click()

    await expect(seller.page.get_by_role("status")).to_have_text(
        "Your changes are saved. The listing has no date."
    )


@pytest.mark.parametrize(("price", "shown"), [("$1,234.50", "$1,234.50"), ("20,50", "$20.50")])
async def test_a_price_is_typed_as_people_write_it(visit: Visit, title: str, price: str, shown: str) -> None:
    seller = await visit("seller")
    await seller.sign_up()

    await seller.sell(title, price)

    await expect(seller.page.get_by_text(shown)).to_be_visible()
