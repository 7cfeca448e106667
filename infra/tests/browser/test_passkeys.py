"""Passkeys in Chromium, by its virtual authenticators: add, sign in without typing, prove, remove."""

import secrets
from urllib.parse import urlsplit

import pytest
from playwright.async_api import CDPSession, expect
from tests.browser.conftest import NewVisitor
from tests.browser.mailbox import link_to
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.connected

PASSWORD = "correct horse battery"
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
ONLY_THE_BUTTON = "PublicKeyCredential.isConditionalMediationAvailable = async () => false"
"""Else the virtual device answers as soon as the sign-in page is open."""


class Devices:
    """Virtual authenticators of a window, one at a time."""

    def __init__(self, session: CDPSession) -> None:
        self._session = session
        self._present = ""

    async def plug_in(self, **others: object) -> None:
        made = await self._session.send("WebAuthn.addVirtualAuthenticator", {"options": {**DEVICE, **others}})
        self._present = made["authenticatorId"]

    async def credentials(self) -> list[object]:
        found = await self._session.send("WebAuthn.getCredentials", {"authenticatorId": self._present})
        credentials: list[object] = found["credentials"]
        return credentials

    async def unplug(self) -> None:
        await self._session.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": self._present})


@pytest.fixture
def by_name(edge: str) -> str:
    """The edge under its public name: a passkey is bound to a name, and no address has passkeys."""
    return f"http://localhost:{urlsplit(edge).port}"


async def opened(open_window: NewVisitor, edge: str, name: str) -> tuple[Visitor, Devices]:
    visitor = await open_window(name)
    visitor.edge = edge
    session = await visitor.page.context.new_cdp_session(visitor.page)
    await session.send("WebAuthn.enable")
    return visitor, Devices(session)


async def add_passkey(visitor: Visitor, name: str) -> None:
    page = visitor.page
    await visitor.open("/account")
    await page.get_by_label("Name of the new passkey").fill(name)
    await page.get_by_label("Password, to add the passkey").fill(PASSWORD)
    await page.get_by_role("button", name="Add a passkey").click()
    await expect(page.get_by_text("Your passkey is added.")).to_be_visible()


async def sign_out(visitor: Visitor) -> None:
    await visitor.page.get_by_role("button", name="Sign Out").click()
    await expect(visitor.page.get_by_text("You are signed out.")).to_be_visible()


async def test_a_user_adds_two_passkeys_signs_in_without_typing_and_removes_one(
    open_window: NewVisitor, by_name: str
) -> None:
    visitor, devices = await opened(open_window, by_name, "keyholder")
    page, email = visitor.page, f"{secrets.token_hex(6)}@browser.test"
    await page.add_init_script(ONLY_THE_BUTTON)
    await visitor.sign_up(email)

    await devices.plug_in(transport="usb")
    await add_passkey(visitor, "Key on the ring")
    await devices.unplug()
    await devices.plug_in()
    await add_passkey(visitor, "Laptop")
    await visitor.shot("two-passkeys")
    assert await link_to(email, "A passkey was added to your account") == "/auth/forgot"

    await sign_out(visitor)
    await visitor.open("/auth/signin?next=/orders")
    await visitor.shot("sign-in")
    await page.get_by_role("button", name="Use a passkey", exact=True).click()
    await expect(page.get_by_role("button", name="Sign Out")).to_be_visible()
    assert urlsplit(page.url).path == "/orders"

    await visitor.open("/account")
    await expect(page.locator(".passkeys").get_by_text("Last used on")).to_have_count(1)
    await page.get_by_role("button", name="Remove \u2068Laptop\u2069").click()
    await expect(page.get_by_text("The passkey is removed.")).to_be_visible()
    assert await link_to(email, "A passkey was removed from your account") == "/auth/forgot"

    await sign_out(visitor)
    await visitor.open("/auth/signin")
    await page.get_by_role("button", name="Use a passkey", exact=True).click()
    await expect(page.get_by_text("This passkey does not work here")).to_be_visible()
    await page.get_by_label("Email").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign In").click()
    await expect(page.get_by_role("button", name="Sign Out")).to_be_visible()


async def test_a_browser_that_offers_passkeys_for_the_field_of_the_address_signs_in_by_one(
    open_window: NewVisitor, by_name: str
) -> None:
    visitor, devices = await opened(open_window, by_name, "autofill")
    await visitor.sign_up()
    await devices.plug_in()
    await add_passkey(visitor, "Laptop")
    await sign_out(visitor)

    await visitor.open("/auth/signin?next=/orders")

    await expect(visitor.page.get_by_role("button", name="Sign Out")).to_be_visible()
    assert urlsplit(visitor.page.url).path == "/orders"


async def test_a_passkey_stands_in_for_the_password_and_a_refused_one_is_said(
    open_window: NewVisitor, by_name: str
) -> None:
    visitor, devices = await opened(open_window, by_name, "prover")
    page = visitor.page
    await page.add_init_script(ONLY_THE_BUTTON)
    await visitor.sign_up()
    await devices.plug_in()
    await visitor.open("/account")
    await page.get_by_label("Password, to add the passkey").fill("wrong horse battery")
    await page.get_by_role("button", name="Add a passkey").click()
    await expect(page.get_by_text("This is not your password")).to_be_visible()
    assert await devices.credentials() == []

    await add_passkey(visitor, "Laptop")
    await page.get_by_label("Password, to add the passkey").fill(PASSWORD)
    await page.get_by_role("button", name="Add a passkey").click()
    await expect(page.get_by_text("This device has a passkey of your account already.")).to_be_visible()

    await page.get_by_label("New password").fill("another horse battery")
    password = page.locator("form[action='/account/password']")
    await password.get_by_role("button", name="Use a passkey instead of the password").click()
    await expect(page.get_by_text("Your password is changed.")).to_be_visible()

    await devices.unplug()
    await devices.plug_in(isUserVerified=False)
    await sign_out(visitor)
    await visitor.open("/auth/signin")
    await page.get_by_role("button", name="Use a passkey", exact=True).click()
    await expect(page.get_by_text("No passkey was used.")).to_be_visible()


async def test_without_javascript_passkeys_are_listed_renamed_and_removed(
    open_window: NewVisitor, by_name: str
) -> None:
    visitor, devices = await opened(open_window, by_name, "keyholder-before")
    await visitor.page.add_init_script(ONLY_THE_BUTTON)
    email = f"{secrets.token_hex(6)}@browser.test"
    await visitor.sign_up(email)
    await devices.plug_in()
    await add_passkey(visitor, "Laptop")

    plain = await open_window("keyholder-no-js", java_script_enabled=False)
    page, plain.edge = plain.page, by_name
    await plain.open("/auth/signin?next=/account")
    await expect(page.get_by_role("button", name="Use a passkey", exact=True)).to_be_hidden()
    await page.get_by_label("Email").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign In").click()
    await expect(page.get_by_text("To add one, you need JavaScript")).to_be_visible()
    await expect(page.get_by_role("button", name="Add a passkey")).to_be_hidden()

    await page.get_by_label("Name", exact=True).fill("Old laptop")
    await page.get_by_role("button", name="Rename").click()
    await expect(page.get_by_text("Your passkey has its new name.")).to_be_visible()
    await plain.shot("renamed")
    await page.get_by_role("button", name="Remove \u2068Old laptop\u2069").click()
    await expect(page.get_by_text("You have no passkey yet.")).to_be_visible()
