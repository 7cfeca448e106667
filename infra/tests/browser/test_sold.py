"""Mails about a sale in Chromium: the seller learns of it, and turns such mails off without signing in."""

import secrets

import pytest
from playwright.async_api import expect
from tests.browser.conftest import NewVisitor as Visit
from tests.browser.mailbox import link_to

pytestmark = pytest.mark.connected

WHEN_SOLD = "When my ticket sells, or I have not paid an order yet"


async def test_a_sale_is_mailed_to_both_and_the_seller_turns_such_mails_off(visit: Visit) -> None:
    seller, buyer = await visit("seller-mailed"), await visit("buyer-mailed")
    title = f"Opera {secrets.token_hex(4)}"
    emails = [f"{secrets.token_hex(6)}@browser.test" for _ in range(2)]
    for visitor, email in zip((seller, buyer), emails, strict=True):
        await visitor.sign_up(email)
    await seller.sell(title, "20.50")
    await buyer.buy(title)
    await buyer.pay()

    await buyer.open(await link_to(emails[1], f'You bought "{title}"', "/orders/"))
    await expect(buyer.page.get_by_text("Paid", exact=True)).to_be_visible()

    await seller.open(await link_to(emails[0], f'You sold "{title}"', "/sales/"))
    await expect(seller.page.get_by_role("heading", name=title)).to_be_visible()
    await seller.page.get_by_role("button", name="Sign Out").click()
    await seller.open(await link_to(emails[0], f'You sold "{title}"', "/unsubscribe"))
    await seller.shot("unsubscribe")
    await seller.page.get_by_role("button", name="Turn off").click()
    await expect(seller.page.get_by_role("status")).to_contain_text("We no longer mail you")
    await seller.shot("unsubscribed")


async def test_a_member_chooses_the_mails_and_takes_a_copy_of_the_data(visit: Visit) -> None:
    member = await visit("member-data")
    page, email, title = member.page, f"{secrets.token_hex(6)}@browser.test", f"Opera {secrets.token_hex(4)}"
    await member.sign_up(email)
    await member.sell(title, "20.50")
    await member.open("/account")

    await page.get_by_label("Language of the mails").select_option("zh")
    await page.get_by_label(WHEN_SOLD).select_option("off")
    await page.get_by_role("button", name="Save choice").click()

    await expect(page.get_by_label(WHEN_SOLD)).to_have_value("off")
    await expect(page.get_by_label("Language of the mails")).to_have_value("zh")
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Download my data").click()
    text = (await (await download.value).path()).read_text()
    assert email in text
    assert title in text
    assert text.rstrip().endswith('"complete": true}')
