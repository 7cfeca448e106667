"""The page in Chromium, with JavaScript and without."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from tests.edge import Edge, written

from blog.run.blog import Blog
from common.base.ids import new_id
from infra.verify import accessibility
from infra.verify.chromium import launched

pytestmark = [pytest.mark.connected, pytest.mark.asyncio(loop_scope="session")]

SCREENSHOTS = os.environ.get("SCREENSHOTS")
PENDING, REJECTED = "This comment is awaiting moderation", "This comment has been rejected"


@pytest_asyncio.fixture(loop_scope="session")
async def browser(blog: Blog) -> AsyncIterator[Browser]:
    """A browser that resolves the blog's host name to its address."""
    name, address = (str(urlsplit(url).hostname) for url in (blog.edge, blog.address))
    async with launched(f"--host-resolver-rules=MAP {name} {address}") as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def page(blog: Blog, browser: Browser, javascript: bool) -> Page:
    page = await (await browser.new_context(java_script_enabled=javascript)).new_page()
    await page.goto(blog.edge)
    return page


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no-javascript"])
async def test_a_post_is_written_commented_on_and_moderated(blog: Blog, page: Page, javascript: bool) -> None:
    title = f"Fruit {new_id()}"
    await blog.stop("moderation")
    await page.get_by_label("Title of a new post").fill(title)
    await page.get_by_role("button", name="Post", exact=True).click()
    card = page.get_by_role("article", name=title)
    # Without a reload: the page after the redirect has the post.
    await expect(card).to_be_visible()
    await commented(page, card, "an orange")
    await expect(card.get_by_text(PENDING)).to_be_visible()

    await blog.start("moderation")
    await blog.ready("moderation")
    if javascript:
        await expect(card.get_by_text(REJECTED)).to_be_visible()
    else:
        await shown(page.reload, card.get_by_text(REJECTED))


async def commented(page: Page, card: Any, content: str) -> None:
    """Writes a comment. Sends it again, as a user would, until comments has received the post."""
    async with asyncio.timeout(15):
        await card.get_by_label("Comment").fill(content)
        await card.get_by_role("button", name="Send").click()
        while await page.get_by_role("alert").is_visible():
            # The typed text is still in the field.
            assert await card.get_by_label("Comment").input_value() == content
            await card.get_by_role("button", name="Send").click()


async def shown(again: Callable[[], Awaitable[Any]], wanted: Any) -> None:
    async with asyncio.timeout(15):
        while not await wanted.is_visible():
            await asyncio.sleep(0.2)
            await again()


@pytest.mark.parametrize("javascript", [True])
async def test_the_list_updates_itself_around_text_that_is_being_typed(
    blog: Blog, page: Page, browser: Browser
) -> None:
    first, second = f"First {new_id()}", f"Second {new_id()}"
    await page.get_by_label("Title of a new post").fill(first)
    await page.get_by_role("button", name="Post", exact=True).click()
    card = page.get_by_role("article", name=first)
    await card.get_by_label("Comment").fill("half a sen")

    other = await (await browser.new_context()).new_page()
    await other.goto(blog.edge)
    await other.get_by_label("Title of a new post").fill(second)
    await other.get_by_role("button", name="Post", exact=True).click()
    await commented(other, other.get_by_role("article", name=first), "I like apples")

    await expect(page.get_by_role("article", name=second)).to_be_visible()
    await expect(card.get_by_text("I like apples")).to_be_visible()
    await expect(card.get_by_label("Comment")).to_have_value("half a sen")
    # Newest first, as after a reload.
    order = "document.querySelectorAll('h3')"
    titles = f"() => [...{order}].map((one) => one.textContent)"
    live = await page.evaluate(titles)
    await page.reload()
    assert live == await page.evaluate(titles)
    assert live[:2] == [second, first]


@pytest.mark.parametrize("javascript", [True])
async def test_users_input_is_shown_as_text(page: Page) -> None:
    title = f"<script>alert(1)</script> {new_id()}"
    await page.get_by_label("Title of a new post").fill(title)
    await page.get_by_role("button", name="Post", exact=True).click()

    await expect(page.get_by_role("article", name=title)).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
async def test_it_is_accessible_and_fits_in_every_state(
    blog: Blog, edge: Edge, browser: Browser, width: int, scheme: Any
) -> None:
    page = await browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    post = await edge.create(f"A long word {'x' * 120}")
    for content in ("an orange", "I like apples"):
        await written(edge, post, content)
    await page.goto(blog.edge)
    await expect(page.get_by_text(REJECTED).first).to_be_visible()
    assert await looked_at(page, f"blog-{width}-{scheme}") == []

    await page.get_by_label("Title of a new post").fill(" ")
    await page.get_by_role("button", name="Post", exact=True).click()
    await expect(page.get_by_role("alert")).to_be_visible()
    assert await looked_at(page, f"blog-{width}-{scheme}-refused") == []


async def looked_at(page: Page, name: str) -> list[str]:
    if SCREENSHOTS:
        await page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png")
    return await accessibility.faults(page)
