"""A member deletes the account in Chromium, with and without JavaScript."""

import secrets

import pytest
from playwright.async_api import expect
from tests.browser.conftest import NewVisitor as Visit
from tests.browser.mailbox import link_to

pytestmark = pytest.mark.connected

PASSWORD = "correct horse battery"


async def test_a_member_reads_what_it_means_and_deletes_the_account(visit: Visit) -> None:
    visitor = await visit("leaver")
    page, email = visitor.page, f"{secrets.token_hex(6)}@browser.test"
    title = f"Zebra {secrets.token_hex(4)}"
    await visitor.sign_up(email)
    await visitor.sell(title, "20")
    ticket = page.url

    await page.get_by_role("link", name="My Account").click()
    await page.get_by_role("link", name="Delete my account…").click()
    await expect(page.get_by_text("Your listings are withdrawn.")).to_be_visible()
    await visitor.shot("effects")
    await page.get_by_label("Your password").fill(PASSWORD)
    await page.get_by_role("button", name="Delete my account").click()
    await expect(page.get_by_text("Tick this box if you want to delete your account")).to_be_visible()
    await visitor.shot("not-sure")
    await page.get_by_label("I want to delete my account for good").check()
    await page.get_by_label("Your password").fill("wrong horse battery")
    await page.get_by_role("button", name="Delete my account").click()
    await expect(page.get_by_text("This is not your password")).to_be_visible()
    await expect(page.get_by_label("I want to delete my account for good")).to_be_checked()

    await page.get_by_label("Your password").fill(PASSWORD)
    await page.get_by_role("button", name="Delete my account").click()

    await expect(page.get_by_text("Your account is deleted.")).to_be_visible()
    await expect(page.get_by_role("link", name="Sign In").first).to_be_visible()
    await visitor.shot("deleted")
    assert await link_to(email, "Your account is deleted") == "/help"
    await page.goto(ticket)
    await expect(page.get_by_role("button", name="Purchase")).to_have_count(0)
    await visitor.open("/auth/signin")
    await page.get_by_label("Email").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign In").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await visitor.sign_up(email)
