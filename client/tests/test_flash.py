import httpx
import pytest
from tests.conftest import Browser
from tests.dom import page

from common.testing.browser import SESSIONS, a_user


def notices(answer: httpx.Response) -> list[str]:
    return [p.text for p in page(answer).all("p", cls="flash")]


async def test_a_message_is_shown_once_on_the_next_page(browser: Browser) -> None:
    browser.cookies.set(SESSIONS.cookie, SESSIONS.token(a_user()))
    sold = await browser.post("/tickets/new", data={"title": "Concert", "price": "20"})

    assert notices(await browser.get(sold.headers["location"])) == ["Your ticket is on sale."]
    assert notices(await browser.get(sold.headers["location"])) == []


@pytest.mark.parametrize("name", ["nope", "<b>x</b>", ""])
async def test_only_our_own_words_are_shown(browser: Browser, name: str) -> None:
    browser.cookies.set("flash", name)

    assert notices(await browser.get("/")) == []


async def test_a_visitor_sees_the_reason_to_sign_in(browser: Browser) -> None:
    first = await browser.get("/orders")

    (notice,) = notices(await browser.get(first.headers["location"]))
    assert notice.startswith("Sign in to go on.")


async def test_a_session_that_is_over_is_explained(browser: Browser) -> None:
    browser.cookies.set(SESSIONS.cookie, "an old token")

    first = await browser.get("/orders")

    (notice,) = notices(await browser.get(first.headers["location"]))
    assert notice.startswith("Your session is over")
    assert first.headers["location"] == "/auth/signin?next=%2Forders"
