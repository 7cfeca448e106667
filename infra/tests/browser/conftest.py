"""Chromium on the whole system: `make e2e` starts both, with a hold of five seconds."""

import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, async_playwright, expect

from infra import target as targets

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    *("--no-sandbox", "--headless", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
SCREENSHOTS = Path(os.environ.get("SCREENSHOTS", ".screenshots"))

WINDOW = ViewportSize(width=900, height=700)

expect.set_options(timeout=15_000)


@dataclass(frozen=True)
class Visitor:
    """One browser window. Anything that a page complains about in the console is in `complaints`."""

    page: Page
    edge: str
    name: str
    complaints: list[str]

    async def open(self, path: str) -> None:
        await self.page.goto(self.edge + path)

    async def sign_up(self) -> None:
        await self.open("/")
        await self.page.get_by_role("link", name="Sign Up").click()
        await self.page.get_by_label("Email").fill(f"{secrets.token_hex(6)}@browser.test")
        await self.page.get_by_label("Password").fill("correct horse battery")
        await self.page.get_by_role("button", name="Sign Up").click()
        await expect(self.page.get_by_role("button", name="Sign Out")).to_be_visible()

    async def sell(self, title: str, price: str) -> None:
        await self.page.get_by_role("link", name="Sell Tickets").click()
        await self.page.get_by_label("Title").fill(title)
        await self.page.get_by_label("Price").fill(price)
        await self.page.get_by_role("button", name="Put on sale").click()
        await expect(self.page.get_by_text("Put on sale")).to_have_count(0)

    async def buy(self, title: str) -> None:
        await self.open("/")
        await self.page.get_by_role("link", name=title).click()
        await self.page.get_by_role("button", name="Purchase").click()
        await expect(self.page.get_by_text("Time left to pay")).to_be_visible()

    async def pay(self, token: str = "tok_visa") -> None:
        await self.page.get_by_label("Test card").select_option(token)
        await self.page.get_by_role("button", name="Pay").click()

    async def is_listed(self, title: str) -> bool:
        await self.open("/")
        return await self.page.get_by_role("link", name=title).count() == 1

    async def shot(self, state: str) -> None:
        await self.page.screenshot(path=SCREENSHOTS / f"{self.name}-{state}.png", full_page=True)


NewVisitor = Callable[[str], Awaitable[Visitor]]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture(params=[True, False], ids=["javascript", "no-javascript"])
def javascript(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
async def visit(browser: Browser, javascript: bool) -> AsyncIterator[NewVisitor]:
    contexts: list[BrowserContext] = []
    edge = targets.find("infra.tests").edge

    async def new(name: str) -> Visitor:
        context = await browser.new_context(
            java_script_enabled=javascript, viewport={"width": 900, "height": 700}
        )
        contexts.append(context)
        page = await context.new_page()
        complaints: list[str] = []
        page.on(
            "console", lambda message: complaints.append(message.text) if message.type == "error" else None
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return Visitor(page, edge, f"{name}{'' if javascript else '-no-js'}", complaints)

    yield new
    for context in contexts:
        await context.close()
