"""Chromium on the whole system: `make e2e` starts both, with a hold of five seconds."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, expect
from tests.browser.visitor import Visitor

from infra.verify import target as targets
from infra.verify.chromium import launched

expect.set_options(timeout=15_000)

NewVisitor = Callable[..., Awaitable[Visitor]]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with launched() as browser:
        yield browser


@pytest.fixture
def edge() -> str:
    return targets.find("infra.tests").edge


@pytest.fixture
async def open_window(browser: Browser, edge: str) -> AsyncIterator[NewVisitor]:
    """Open windows with options of Playwright's contexts; at the end, check that no page had a complaint."""
    contexts: list[BrowserContext] = []
    visitors: list[Visitor] = []

    async def new(name: str, **options: Any) -> Visitor:
        context = await browser.new_context(**{"viewport": {"width": 900, "height": 700}, **options})
        contexts.append(context)
        visitors.append(Visitor.at(await context.new_page(), edge, name))
        return visitors[-1]

    yield new
    for context in contexts:
        await context.close()
    assert [(visitor.name, visitor.complaints) for visitor in visitors if visitor.complaints] == []


@pytest.fixture(params=[True, False], ids=["javascript", "no-javascript"])
def javascript(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def visit(open_window: NewVisitor, javascript: bool) -> NewVisitor:
    """Window with JavaScript, and without JavaScript in a second run of the test."""

    async def new(name: str) -> Visitor:
        return await open_window(name if javascript else f"{name}-no-js", java_script_enabled=javascript)

    return new
