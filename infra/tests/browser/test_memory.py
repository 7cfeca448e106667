"""What a browser remembers of the pages: the history of searches, and nothing of a user who signed out."""

import re
import secrets

import pytest
from playwright.async_api import Page, expect
from tests.browser.conftest import NewVisitor
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.connected

PAUSE = 60
"""Milliseconds between two letters: the search waits for a pause of 400."""


async def history(page: Page) -> int:
    length: int = await page.evaluate("history.length")
    return length


async def listed(open_window: NewVisitor) -> tuple[Visitor, str]:
    """A member on the front page, and a word that two tickets on sale have in their titles."""
    visitor, word = await open_window("searcher"), secrets.token_hex(4)
    await visitor.sign_up()
    for price in ("20", "30"):
        await visitor.sell(f"Zebra {price} {word}", price)
    await visitor.can_find(word, 2)
    await visitor.open("/")
    return visitor, word


async def found(page: Page, *titles: str) -> None:
    await expect(page.get_by_role("region", name="Tickets").get_by_role("link")).to_have_text(list(titles))


async def test_back_restores_the_search_as_it_was(open_window: NewVisitor) -> None:
    visitor, word = await listed(open_window)
    page, cheap, dear = visitor.page, f"Zebra 20 {word}", f"Zebra 30 {word}"
    await page.get_by_label("Search").press_sequentially(word, delay=PAUSE)
    await expect(page).to_have_url(re.compile(f"q={word}&"))
    await page.get_by_label("Sort").select_option("price")
    await found(page, cheap, dear)

    await page.go_back()

    await found(page, dear, cheap)
    await expect(page.get_by_label("Search")).to_have_value(word)
    await expect(page.get_by_label("Sort")).to_have_value("newest")
    await page.get_by_label("Price from").fill("25")
    await page.get_by_label("Price from").press("Enter")
    await found(page, dear)
    assert f"q={word}" in page.url
    await page.go_forward()
    await page.go_back()
    await expect(page.get_by_label("Price from")).to_have_value("")


async def test_a_search_is_one_entry_of_the_history_and_one_request(open_window: NewVisitor) -> None:
    visitor, word = await listed(open_window)
    page = visitor.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/?q=" in request.url else None)
    before = await history(page)

    await page.get_by_label("Search").press_sequentially(word[:4], delay=PAUSE)
    await expect(page).to_have_url(re.compile(f"q={word[:4]}&"))
    await page.get_by_label("Search").press_sequentially(word[4:], delay=PAUSE)
    await expect(page).to_have_url(re.compile(f"q={word}&"))
    await page.get_by_label("Search").press("Enter")
    await page.get_by_label("Search").press("Tab")
    await page.get_by_label("Sort").select_option("price")
    await found(page, f"Zebra 20 {word}", f"Zebra 30 {word}")

    assert await history(page) == before + 2
    assert len(asked) == len(set(asked)) == 3


async def test_nothing_of_a_member_is_left_after_signing_out(open_window: NewVisitor) -> None:
    visitor, word = await listed(open_window)
    page = visitor.page
    mail = re.compile("Signed in as ")
    await expect(page.get_by_text(mail)).to_be_visible()
    await page.evaluate("sessionStorage.setItem('word', 'of a page'); localStorage.setItem('word', 'too')")
    await page.get_by_label("Search").fill(word)
    await expect(page).to_have_url(re.compile(f"q={word}"))
    await page.get_by_label("Search").fill("")
    await expect(page).to_have_url(re.compile("q=&"))

    await page.get_by_role("button", name="Sign Out").click()
    await expect(page.get_by_text("You are signed out.")).to_be_visible()

    kept = await page.evaluate("[...Object.keys(sessionStorage), ...Object.keys(localStorage)]")
    assert set(kept) <= {"htmx-current-path-for-history"}
    for _ in range(3):
        await page.go_back()
        await expect(page.get_by_role("link", name="Sign In")).to_be_visible()
        await expect(page.get_by_text(mail)).to_have_count(0)
