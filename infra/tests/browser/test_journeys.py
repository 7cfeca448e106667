"""Journeys of buyers and sellers in Chromium, with JavaScript and without."""

import asyncio
import secrets

import pytest
from playwright.async_api import expect
from tests.browser.conftest import NewVisitor as Visit

pytestmark = pytest.mark.connected


@pytest.fixture
def title() -> str:
    return f"Concert {secrets.token_hex(4)}"


async def test_a_ticket_is_listed_bought_paid_and_gone(visit: Visit, title: str) -> None:
    seller, buyer = await visit("seller"), await visit("buyer")
    await seller.sign_up()
    await seller.sell(title, "20.00")
    await seller.shot("listed")

    await buyer.sign_up()
    assert await buyer.is_listed(title)
    await buyer.shot("index")
    await buyer.buy(title)
    await buyer.shot("to-pay")
    await buyer.pay()
    await expect(buyer.page.get_by_text("Now the seller hands the ticket over")).to_be_visible()
    await buyer.shot("paid")
    await buyer.page.get_by_role("link", name="Receipt and QR code").click()
    await expect(buyer.page.get_by_role("img", name="QR code")).to_be_visible()
    await buyer.page.get_by_role("link", name="Verify it yourself").click()
    await expect(buyer.page.get_by_role("heading", name="This receipt is genuine")).to_be_visible()

    assert not await buyer.is_listed(title)
    await buyer.page.get_by_role("link", name="My Orders").click()
    await expect(buyer.page.get_by_role("link", name=title, exact=True)).to_be_visible()
    await buyer.shot("orders")
    await seller.page.get_by_role("link", name="My Listings").click()
    await expect(seller.page.get_by_role("listitem").get_by_text("Sold", exact=True).last).to_be_visible()
    await seller.shot("listings")


async def test_an_order_that_expires_puts_the_ticket_back_on_sale(
    visit: Visit, title: str, javascript: bool
) -> None:
    seller, buyer = await visit("seller"), await visit("buyer")
    await seller.sign_up()
    await seller.sell(title, "20")
    await buyer.sign_up()
    await buyer.buy(title)
    if javascript:
        clock = buyer.page.get_by_role("timer")
        before = await clock.inner_text()
        await expect(clock).not_to_have_text(before)
    await expect(buyer.page.get_by_text("expired", exact=False).first).to_be_visible()
    await buyer.shot("expired")
    async with asyncio.timeout(10):
        while not await seller.is_listed(title):
            await asyncio.sleep(0.1)
    await seller.shot("back-on-sale")


async def test_a_declined_card_says_so_and_another_one_pays(visit: Visit, title: str) -> None:
    seller, buyer = await visit("seller"), await visit("buyer")
    await seller.sign_up()
    await seller.sell(title, "7.50")
    await buyer.sign_up()
    await buyer.buy(title)
    await buyer.pay("Empty card")
    await expect(buyer.page.get_by_text("Your card was declined.")).to_be_visible()
    await buyer.shot("declined")
    await buyer.pay()
    await expect(buyer.page.get_by_text("Now the seller hands the ticket over")).to_be_visible()


async def test_a_card_that_asks_its_owner_is_confirmed(visit: Visit, title: str) -> None:
    seller, buyer = await visit("seller"), await visit("buyer")
    await seller.sign_up()
    await seller.sell(title, "30")
    await buyer.sign_up()
    await buyer.buy(title)
    await buyer.pay("Careful bank")
    await buyer.page.get_by_role("button", name="Confirm with your bank").click()
    await expect(buyer.page.get_by_text("Now the seller hands the ticket over")).to_be_visible()
    await buyer.shot("confirmed")


async def test_a_seller_edits_and_a_buyer_cancels(visit: Visit, title: str) -> None:
    seller, buyer = await visit("seller"), await visit("buyer")
    await seller.sign_up()
    await seller.sell(title, "20")
    await seller.page.get_by_role("link", name="My Listings").click()
    await seller.page.get_by_role("link", name=title, exact=True).click()
    await seller.page.get_by_role("link", name="Edit").click()
    await seller.page.get_by_label("Price").fill("-1")
    await seller.page.get_by_role("button", name="Save").click()
    await expect(seller.page.get_by_text("Price must be greater than 0")).to_be_visible()
    await seller.shot("bad-price")
    await seller.page.get_by_label("Price").fill("15")
    await seller.page.get_by_role("button", name="Save").click()
    await expect(seller.page.get_by_text("$15.00")).to_be_visible()

    await buyer.sign_up()
    await buyer.buy(title)
    await buyer.page.get_by_role("link", name="Cancel order").click()
    await buyer.page.get_by_role("button", name="Cancel order").click()
    await expect(buyer.page.get_by_text("cancelled", exact=False).first).to_be_visible()
    await buyer.shot("cancelled")
    async with asyncio.timeout(10):
        while not await buyer.is_listed(title):
            await asyncio.sleep(0.1)


async def test_a_page_that_is_not_there_says_so(visit: Visit) -> None:
    visitor = await visit("visitor")
    response = await visitor.page.goto(visitor.edge + "/no/such/page")
    assert response is not None
    assert response.status == 404
    await visitor.shot("not-found")
    await expect(visitor.page.get_by_role("link", name="GitTix")).to_be_visible()
