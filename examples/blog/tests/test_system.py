"""The whole blog, as `make blog` runs it: through the edge, in a browser, with parts of it killed."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from playwright.async_api import async_playwright, expect

from blog.__main__ import SERVICES
from blog.rate import a_config, fill, history
from blog.run import Blog, running

pytestmark = pytest.mark.connected

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
PENDING, REJECTED = "This comment is awaiting moderation", "This comment has been rejected"


@pytest.fixture
async def blog(tmp_path: Any) -> AsyncIterator[Blog]:
    async with running(a_config(str(tmp_path)), sys.stderr) as blog:
        yield blog


@pytest.fixture
async def http(blog: Blog) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(blog.edge) as session:
        yield session


async def post(http: aiohttp.ClientSession, path: str, body: dict[str, str]) -> Any:
    async with http.post(path, json=body) as answer:
        assert answer.status == 201, await answer.text()
        return await answer.json()


async def get(http: aiohttp.ClientSession, path: str) -> Any:
    async with http.get(path) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def until(ask: Callable[[], Awaitable[Any]], condition: Callable[[Any], bool]) -> Any:
    async with asyncio.timeout(15):
        while not condition(answer := await ask()):
            await asyncio.sleep(0.02)
    return answer


def statuses(posts: Any) -> list[str]:
    return [comment["status"] for post in posts for comment in post["comments"]]


async def commented(http: aiohttp.ClientSession, post_id: str, content: str) -> None:
    """As soon as comments has heard of the post."""

    async def attempt() -> int:
        async with http.post(f"/posts/{post_id}/comments", json={"content": content}) as answer:
            return answer.status

    await until(attempt, lambda status: status == 201)


async def test_a_post_its_comments_and_what_moderation_thinks_reach_the_page(
    http: aiohttp.ClientSession,
) -> None:
    fruit = await post(http, "/posts/create", {"title": "Fruit"})
    await commented(http, fruit["id"], "I like apples")
    await commented(http, fruit["id"], "I like oranges")

    posts = await until(lambda: get(http, "/posts"), lambda found: "pending" not in statuses(found) != [])

    assert statuses(posts) == ["approved", "rejected"]
    kinds = [event["type"] for event in await get(http, "/events")]
    assert sorted(kinds) == sorted(
        ["post.created", *2 * ["comment.created", "comment.moderated", "comment.updated"]]
    )


async def test_each_service_killed_remembers_all_that_it_knew(
    blog: Blog, http: aiohttp.ClientSession
) -> None:
    await blog.stop("moderation")
    await fill(f"nats://127.0.0.1:{blog.ports['nats']}", history(200))
    await blog.start("moderation")
    await blog.ready("moderation")

    async def state() -> tuple[Any, Any]:
        comments = await get(http, "/posts/post-7/comments")
        return await get(http, "/posts"), comments

    settled = await until(state, lambda found: "pending" not in statuses(found[0]) and len(found[0]) == 200)
    for name in SERVICES:
        pid = blog.processes[name].pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await until(lambda name=name: _pid(blog, name), lambda found, pid=pid: found not in (None, pid))  # type: ignore[misc]  # bound now
        await blog.ready(name)

        assert await state() == settled, name


async def _pid(blog: Blog, name: str) -> int | None:
    return blog.processes[name].pid


async def test_posting_and_reading_go_on_while_others_are_down(
    blog: Blog, http: aiohttp.ClientSession
) -> None:
    fruit = await post(http, "/posts/create", {"title": "Fruit"})
    await blog.stop("moderation")
    await commented(http, fruit["id"], "I like apples")
    await until(lambda: get(http, "/posts"), lambda found: statuses(found) == ["pending"])

    await blog.stop("comments")
    await post(http, "/posts/create", {"title": "Vegetables"})
    await until(lambda: get(http, "/posts"), lambda found: len(found) == 2)

    await blog.stop("query")
    await post(http, "/posts/create", {"title": "Bread"})
    for name in ("query", "comments", "moderation"):
        await blog.start(name)
    await blog.ready()

    found = await until(lambda: get(http, "/posts"), lambda found: statuses(found) == ["approved"])
    assert [entry["title"] for entry in found] == ["Fruit", "Vegetables", "Bread"]


async def test_a_service_that_starts_for_the_first_time_knows_ten_thousand_events(
    blog: Blog, http: aiohttp.ClientSession
) -> None:
    await blog.stop("query")
    await blog.stop("moderation")
    await fill(f"nats://127.0.0.1:{blog.ports['nats']}", history(2_000))

    await blog.start("query")
    await blog.ready("query")

    found = await get(http, "/posts")
    assert len(found) == 2_000
    assert statuses(found) == ["approved", "pending"] * 2_000


@pytest.mark.parametrize("javascript", [True, False])
async def test_the_page_in_a_browser(blog: Blog, javascript: bool) -> None:
    async with async_playwright() as playwright:
        flags = ["--no-sandbox", "--headless", "--disable-gpu"]
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = await (await browser.new_context(java_script_enabled=javascript)).new_page()
        await blog.stop("moderation")
        await page.goto(blog.edge)
        await page.get_by_label("Title of a new post").fill("Fruit")
        await page.get_by_role("button", name="Post", exact=True).click()
        await shown(page.reload, page.get_by_role("article", name="Fruit"))
        card = page.get_by_role("article", name="Fruit")
        await card.get_by_label("Comment").fill("an orange")
        await card.get_by_role("button", name="Send").click()
        await shown(page.reload, card.get_by_text(PENDING))

        await blog.start("moderation")
        if javascript:
            await expect(card.get_by_text(REJECTED)).to_be_visible(timeout=15_000)
        else:
            await shown(page.reload, card.get_by_text(REJECTED))
        await browser.close()


async def shown(again: Callable[[], Awaitable[Any]], wanted: Any) -> None:
    """The page says it, once the event has reached who is asked; it is looked at again as people do."""
    async with asyncio.timeout(15):
        while not await wanted.is_visible():
            await asyncio.sleep(0.2)
            await again()
