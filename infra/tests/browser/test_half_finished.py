"""Half-finished work in Chromium: the end of a session, a guest's purchase, a change of language."""

import secrets

import pytest
from playwright.async_api import Page, expect
from tests.browser.conftest import NewVisitor as Visit

pytestmark = pytest.mark.connected

PASSWORD = "correct horse battery"


@pytest.fixture
def title() -> str:
    return f"周杰伦 {secrets.token_hex(4)}"


async def fill(page: Page, **fields: str) -> None:
    for name, value in fields.items():
        await page.locator(f"#{name}").fill(value)


async def holds(page: Page, **fields: str) -> None:
    for name, value in fields.items():
        await expect(page.locator(f"#{name}")).to_have_value(value)


async def test_a_form_survives_the_end_of_the_session(visit: Visit, title: str) -> None:
    seller = await visit("seller")
    page, email = seller.page, f"{secrets.token_hex(6)}@browser.test"
    await seller.open("/auth/signup")
    await fill(page, email=email, password=PASSWORD)
    await page.get_by_role("button", name="Sign Up").click()
    await page.get_by_role("link", name="Sell Tickets").click()
    typed = {"title": title, "price": "33.50", "eventDate": "2087-05-31", "venue": "Hall 1"}
    await fill(page, **typed)
    await page.context.clear_cookies()

    await page.get_by_role("button", name="Put on sale").click()
    await expect(page.get_by_text("What you typed is kept.")).to_be_visible()
    await seller.shot("sign-in-to-keep")
    await page.get_by_role("button", name="中文").click()
    await page.get_by_role("button", name="English").click()
    await fill(page, email=email, password="wrong password")
    await page.locator("main").get_by_role("button", name="Sign In").click()
    await expect(page.get_by_text("Invalid credentials")).to_be_visible()
    await fill(page, password=PASSWORD)
    await page.locator("main").get_by_role("button", name="Sign In").click()

    await holds(page, **typed)
    await page.get_by_role("button", name="Put on sale").click()
    await expect(page.get_by_text("Your ticket is on sale.")).to_be_visible()
    await expect(page.get_by_role("heading", name=title)).to_be_visible()


async def test_a_guests_purchase_goes_on_after_signing_up(visit: Visit, title: str) -> None:
    seller, guest = await visit("seller"), await visit("guest")
    await seller.sign_up()
    await seller.sell(title, "20")
    page = guest.page
    await guest.look_at(title)

    await page.get_by_role("button", name="Purchase").click()
    await page.get_by_role("button", name="Create an account").click()
    await fill(page, email=f"{secrets.token_hex(6)}@browser.test", password=PASSWORD)
    await page.get_by_role("button", name="Sign Up").click()

    await expect(page.get_by_text("Time left to pay")).to_be_visible()
    await expect(page.get_by_role("button", name="Pay $20.00")).to_be_visible()


async def test_a_half_filled_form_is_the_same_in_another_language(visit: Visit, title: str) -> None:
    seller = await visit("seller")
    await seller.sign_up()
    await seller.page.get_by_role("link", name="Sell Tickets").click()
    typed = {"title": title, "price": "20,5x"}
    await fill(seller.page, **typed)

    await seller.page.get_by_role("button", name="中文").click()

    await expect(seller.page.get_by_role("heading", name="出售一张票")).to_be_visible()
    await holds(seller.page, **typed)
    await fill(seller.page, price="20.50")
    await seller.page.locator("#price").press("Enter")
    await expect(seller.page.get_by_role("heading", name=title)).to_be_visible()
