"""What follows a purchase, on both sides, in Chromium, with JavaScript and without."""

import secrets

import pytest
from playwright.async_api import expect
from tests.browser.conftest import NewVisitor as Visit
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.connected


@pytest.fixture
def title() -> str:
    return f"Concert {secrets.token_hex(4)}"


async def sold(visit: Visit, title: str) -> tuple[Visitor, Visitor]:
    """Seller and buyer of a paid ticket, each on the own page of it."""
    seller, buyer = await visit("seller-sale"), await visit("buyer-sale")
    await seller.sign_up()
    await seller.sell(title, "20.00")
    await buyer.sign_up()
    await buyer.buy(title)
    await buyer.pay()
    await expect(buyer.page.get_by_text("Now the seller hands the ticket over")).to_be_visible()
    await seller.open("/sales")
    await seller.shot("list")
    await seller.page.get_by_role("link", name=title, exact=True).click()
    return seller, buyer


async def test_a_ticket_is_handed_over_and_accepted(visit: Visit, title: str) -> None:
    seller, buyer = await sold(visit, title)
    await expect(seller.page.get_by_text("You have until")).to_be_visible()
    await seller.shot("due")
    await buyer.shot("due")

    await seller.page.get_by_role("button", name="I have handed it over").click()
    await expect(seller.page.get_by_text("Handed over. Nothing is left to do.")).to_be_visible()
    await seller.shot("delivered")
    await buyer.page.reload()
    await expect(buyer.page.get_by_text("Tell us until")).to_be_visible()
    await buyer.shot("delivered")
    await buyer.page.get_by_role("button", name="All is well").click()

    await expect(buyer.page.get_by_text("The ticket is yours, enjoy!")).to_be_visible()
    await seller.page.reload()
    await expect(seller.page.get_by_text("Settled. The money is yours.")).to_be_visible()
    await seller.shot("accepted")


async def test_a_claim_is_answered_and_the_money_given_back(visit: Visit, title: str) -> None:
    seller, buyer = await sold(visit, title)
    await seller.page.get_by_role("button", name="I have handed it over").click()
    await expect(seller.page.get_by_text("Handed over. Nothing is left to do.")).to_be_visible()

    await buyer.page.reload()
    await buyer.page.get_by_role("link", name="Something is wrong").click()
    await buyer.page.get_by_role("button", name="Send to the seller").click()
    await expect(buyer.page.get_by_text("Choose what is wrong")).to_be_visible()
    await buyer.shot("claim-refused")
    await buyer.page.get_by_label("The ticket is not valid").check()
    await buyer.page.get_by_label("In your words").fill("Refused at the door.")
    await buyer.page.get_by_role("button", name="Send to the seller").click()
    await expect(buyer.page.get_by_text("You told us that something is wrong.")).to_be_visible()

    await seller.page.reload()
    await expect(seller.page.get_by_text("Refused at the door.")).to_be_visible()
    await seller.shot("disputed")
    await seller.page.get_by_label("Your answer").fill("It was valid in the morning.")
    await seller.page.get_by_role("button", name="Send the answer").click()
    await expect(seller.page.get_by_text("It was valid in the morning.")).to_be_visible()
    await buyer.page.reload()
    await expect(buyer.page.get_by_text("It was valid in the morning.")).to_be_visible()
    await buyer.shot("disputed")

    await seller.page.get_by_role("link", name="Give the money back").click()
    await seller.shot("refund")
    await seller.page.get_by_role("button", name="Give the money back").click()
    await expect(seller.page.get_by_text("The buyer gets the money back.")).to_be_visible()
    await seller.shot("refunded")
    await buyer.page.reload()
    await expect(buyer.page.get_by_text("You get back all that you paid.")).to_be_visible()
    await buyer.shot("refunded")
