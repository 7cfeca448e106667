"""One browser window, and the actions of its visitor."""

import asyncio
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import ConsoleMessage, Page, Request, Response, expect

SCREENSHOTS = Path(os.environ.get("SCREENSHOTS", ".screenshots"))

FOUND = "/api/tickets?q="
_A_REFUSAL = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d ")
"""Chromium logs every page with such a status, also if the test expects it."""


@dataclass
class Visitor:
    """Visitor of the site.

    `complaints` are its pages' errors, policy violations, accessibility faults and lost requests.
    """

    page: Page
    edge: str
    name: str
    complaints: list[str]

    @classmethod
    def at(cls, page: Page, edge: str, name: str) -> "Visitor":
        visitor = cls(page, edge, name, [])
        page.on("console", visitor._on_console)
        page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        page.on("response", visitor._on_response)
        page.on("requestfailed", visitor._on_lost)
        return visitor

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and _A_REFUSAL.match(message.text) is None:
            self.complaints.append(message.text)

    def _on_response(self, response: Response) -> None:
        if response.status >= 500:
            self.complaints.append(f"{response.status} {response.url}")

    def _on_lost(self, request: Request) -> None:
        # Aborted by navigation to the next page: an open stream of events ends in this way.
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"{request.failure} {request.url}")

    async def open(self, path: str) -> None:
        await self.page.goto(self.edge + path)

    async def sign_up(self, email: str = "") -> None:
        """email: A new one by default."""
        await self.open("/")
        await self.page.get_by_role("link", name="Sign Up").click()
        await self.page.get_by_label("Email").fill(email or f"{secrets.token_hex(6)}@browser.test")
        await self.page.get_by_label("Password").fill("correct horse battery")
        await self.page.get_by_role("button", name="Sign Up").click()
        await expect(self.page.get_by_role("button", name="Sign Out")).to_be_visible()

    async def sell(self, title: str, price: str) -> None:
        await self.page.get_by_role("link", name="Sell Tickets").click()
        await self.page.get_by_label("Title").fill(title)
        await self.page.get_by_label("Price").fill(price)
        await self.page.get_by_role("button", name="Put on sale").click()
        await expect(self.page.get_by_text("Your ticket is on sale.")).to_be_visible()

    async def can_find(self, words: str, count: int) -> None:
        """Waits until a search has so many tickets: the index takes up to a second."""
        async with asyncio.timeout(15):
            while len(await (await self.page.request.get(self.edge + FOUND + words)).json()) < count:
                await asyncio.sleep(0.05)

    async def look_at(self, title: str) -> None:
        await self.open("/")
        await self.page.get_by_role("link", name=title, exact=True).click()

    async def buy(self, title: str) -> None:
        await self.look_at(title)
        await self.page.get_by_role("button", name="Purchase").click()
        await expect(self.page.get_by_text("Time left to pay")).to_be_visible()

    async def pay(self, card: str = "Good card") -> None:
        await self.page.get_by_role("radio", name=card).check()
        await self.page.get_by_role("button", name="Pay $").click()

    async def is_listed(self, title: str) -> bool:
        await self.open("/")
        return await self.page.get_by_role("link", name=title, exact=True).count() == 1

    async def shot(self, state: str) -> None:
        await self.page.screenshot(path=SCREENSHOTS / f"{self.name}-{state}.png", full_page=True)
