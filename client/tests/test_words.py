"""Help, terms and privacy: plain words for everybody, without JavaScript, in both languages."""

import pytest
from tests.conftest import As, Browser
from tests.dom import page
from tests.fake_apis import FakeApis

from client.pages.words import PATHS
from common.testing.browser import BASE_URL, a_user

CHINESE = {"Accept-Language": "zh-CN"}


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_of_words_is_public_and_has_one_heading_and_a_canonical_address(
    browser: Browser, apis: FakeApis, path: str
) -> None:
    answer = await browser.get(path)

    root = page(answer)
    assert answer.status_code == 200
    assert len(root.all("h1")) == 1
    assert root.one("link", rel="canonical")["href"] == f"{BASE_URL}{path}"
    assert root.all("script") == []
    assert apis.calls("GET", "/api/tickets") == []


@pytest.mark.parametrize("path", PATHS)
async def test_the_page_is_in_the_readers_language(browser: Browser, path: str) -> None:
    english, chinese = await browser.get(path), await browser.get(path, headers=CHINESE)

    assert page(english).one("html")["lang"] == "en"
    assert page(chinese).one("html")["lang"] == "zh-Hans"
    assert page(english).one("h1").text != page(chinese).one("h1").text


@pytest.mark.parametrize("path", ["/", "/auth/signin", "/no/such/page", *PATHS])
async def test_every_footer_links_them(browser: Browser, path: str) -> None:
    links = [link["href"] for link in page(await browser.get(path)).one("footer").all("a")]

    assert links == list(PATHS)


async def test_so_does_the_footer_of_a_member(as_user: As) -> None:
    links = [link["href"] for link in page(await as_user(a_user()).get("/help")).one("footer").all("a")]

    assert links == list(PATHS)


async def test_the_words_name_the_hold_that_the_setting_gives(browser: Browser) -> None:
    for path in ("/help", "/terms"):
        assert "15 minutes" in page(await browser.get(path)).one("main").text
