"""How a seller is paid, in Chromium, with JavaScript and without, by the fake provider."""

import asyncio
import secrets

import pytest
from playwright.async_api import expect
from tests.browser.conftest import NewVisitor as Visit
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.connected


async def shows(seller: Visitor, *sums: str) -> None:
    """Waits until the balance has these amounts: not accepted yet, to be paid out, paid out."""
    async with asyncio.timeout(20):
        while await seller.page.locator(".sums dd").all_inner_texts() != list(sums):
            await asyncio.sleep(0.2)
            await seller.open("/sales")


async def is_known_at_localhost(seller: Visitor) -> None:
    """Copies the session: the provider's form names the edge as a person does, `localhost`."""
    session = {cookie["name"]: cookie["value"] for cookie in await seller.page.context.cookies(seller.edge)}
    address = seller.edge.replace("127.0.0.1", "localhost")
    await seller.page.context.add_cookies(
        [{"name": name, "value": value, "url": address} for name, value in session.items()]
    )


async def test_a_seller_is_paid_after_the_form_of_the_provider(visit: Visit) -> None:
    title = f"Concert {secrets.token_hex(4)}"
    seller, buyer = await visit("seller-payout"), await visit("buyer-payout")
    await seller.sign_up()
    await seller.sell(title, "20.50")
    await buyer.sign_up()
    await buyer.buy(title)
    await buyer.pay()
    await expect(buyer.page.get_by_text("Now the seller hands the ticket over")).to_be_visible()

    await seller.open("/listings")
    await seller.page.get_by_role("link", name="My Sales").click()
    await expect(seller.page.get_by_text("You have sold tickets, and can't be paid yet.")).to_be_visible()
    await seller.page.get_by_role("link", name=title, exact=True).click()
    await seller.page.get_by_role("button", name="I have handed it over").click()
    await shows(seller, "$20.50", "$0.00", "$0.00")
    await seller.shot("pending")
    await buyer.page.reload()
    await buyer.page.get_by_role("button", name="All is well").click()
    await shows(seller, "$0.00", "$20.50", "$0.00")

    await seller.page.get_by_role("button", name="Set up how you are paid").click()
    await seller.shot("form-link")
    await is_known_at_localhost(seller)
    await seller.page.get_by_role("link", name="Continue to the provider").click()
    await seller.page.get_by_role("button", name="I can be paid").click()

    await expect(seller.page.get_by_role("heading", name="My Sales")).to_be_visible()
    await expect(seller.page.get_by_text("You can be paid.")).to_be_visible()
    await shows(seller, "$0.00", "$0.00", "$20.50")
    await seller.shot("paid")
    await seller.page.get_by_role("link", name="See each payment").click()
    await expect(seller.page.locator(".rows .badge")).to_have_text("Paid out")
    await seller.shot("entries")
    await seller.page.locator(".rows a").click()
    await expect(seller.page.get_by_text("Paid out: $20.50")).to_be_visible()
