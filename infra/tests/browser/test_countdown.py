"""Announcements of the time left to pay, for users of screen readers.

The tests move the clock, so that they do not wait a quarter of an hour.
"""

from importlib.resources import files

import pytest
from playwright.async_api import Route, expect
from tests.browser.conftest import NewVisitor

pytestmark = pytest.mark.connected

NOW = 1_800_000_000_000
PAGE = """<!doctype html><title>Order</title>
<time role="timer" data-now="{now}" data-expires="{expires}" data-over="/over"></time>
<p id="announcement" role="status" data-300="5 minutes left" data-60="1 minute left"></p>
<script src="/countdown.js"></script>"""


async def test_five_minutes_and_one_are_announced_once_each(open_window: NewVisitor) -> None:
    page = (await open_window("listener")).page
    script = files("client").joinpath("static", "countdown.js").read_text()

    async def answer(route: Route) -> None:
        if route.request.url.endswith("/countdown.js"):
            await route.fulfill(body=script, content_type="text/javascript")
        else:
            html = PAGE.format(now=NOW, expires=NOW + 302_000)
            await route.fulfill(body=html, content_type="text/html")

    await page.route("http://order.test/**", answer)
    await page.clock.install(time=NOW / 1000)
    await page.goto("http://order.test/order")
    status, left = page.get_by_role("status"), page.get_by_role("timer")
    await expect(status).to_be_empty()

    await page.clock.run_for(3_000)
    await expect(status).to_have_text("5 minutes left")
    await page.clock.run_for(200_000)
    await expect(status).to_have_text("5 minutes left")
    await page.clock.run_for(40_000)
    await expect(status).to_have_text("1 minute left")
    await expect(left).to_have_class("soon")
    await page.clock.run_for(60_000)
    await expect(page).to_have_url("http://order.test/over")
