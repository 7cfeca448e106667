"""An account in Chromium: confirm the address, forget the password, change both."""

import secrets

import pytest
from playwright.async_api import Page, expect
from tests.browser.conftest import NewVisitor as Visit
from tests.browser.mailbox import link_to

pytestmark = pytest.mark.connected

OLD, NEW, THIRD = "correct horse battery", "another horse battery", "a third horse battery"


async def _sign_in(page: Page, email: str, password: str) -> None:
    await page.get_by_label("Email").fill(email)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign In").click()
    await expect(page.get_by_role("button", name="Sign Out")).to_be_visible()


async def test_a_user_confirms_the_address_and_gets_in_again_without_the_password(visit: Visit) -> None:
    visitor = await visit("forgetful")
    page, email = visitor.page, f"{secrets.token_hex(6)}@browser.test"
    await visitor.sign_up(email)

    await visitor.open(await link_to(email, "Confirm your e-mail address"))
    await page.get_by_role("button", name="Confirm address").click()
    await expect(page.get_by_text("This address is confirmed.")).to_be_visible()
    await visitor.shot("account")
    await page.get_by_role("button", name="Sign Out").click()

    await page.get_by_role("link", name="Sign In").first.click()
    await page.get_by_role("link", name="Forgot your password?").click()
    await page.get_by_label("Email").fill(email)
    await visitor.shot("forgot")
    await page.get_by_role("button", name="Mail me a link").click()
    await expect(page.get_by_text("a mail with a link is on its way")).to_be_visible()

    link = await link_to(email, "Choose a new password")
    await visitor.open(link)
    await page.get_by_label("New password").fill("short")
    await page.get_by_role("button", name="Set password").click()
    await expect(page.get_by_text("Enter a password of 8 to 128 characters")).to_be_visible()
    await visitor.shot("reset")
    await page.get_by_label("New password").fill(NEW)
    await page.get_by_role("button", name="Set password").click()
    await expect(page.get_by_text("Your new password is set.")).to_be_visible()
    await _sign_in(page, email, NEW)

    await visitor.open(link)
    await page.get_by_label("New password").fill(THIRD)
    await page.get_by_role("button", name="Set password").click()
    await expect(page.get_by_text("Ask for a new one.")).to_be_visible()


async def test_a_user_changes_the_password_and_the_address(visit: Visit) -> None:
    visitor = await visit("mover")
    page, name = visitor.page, secrets.token_hex(6)
    await visitor.sign_up(f"{name}@browser.test")

    await page.get_by_role("link", name="My Account").click()
    await page.get_by_label("Present password").fill("wrong horse battery")
    await page.get_by_label("New password").fill(NEW)
    await page.get_by_role("button", name="Change password").click()
    await expect(page.get_by_text("This is not your password")).to_be_visible()
    await visitor.shot("refused")
    await page.get_by_label("Present password").fill(OLD)
    await page.get_by_label("New password").fill(NEW)
    await page.get_by_role("button", name="Change password").click()
    await expect(page.get_by_text("Your password is changed.")).to_be_visible()

    await page.get_by_label("New e-mail address").fill(f"{name}@work.test")
    await page.get_by_label("Your password").fill(NEW)
    await page.get_by_role("button", name="Change address").click()
    await expect(page.get_by_text("A mail with a link is on its way to the new address.")).to_be_visible()
    await visitor.open(await link_to(f"{name}@work.test", "Confirm your new e-mail address"))
    await page.get_by_role("button", name="Confirm address").click()
    await expect(page.get_by_role("main").get_by_text(f"{name}@work.test")).to_be_visible()
    assert await link_to(f"{name}@browser.test", "Your e-mail address is being changed") == "/auth/forgot"
