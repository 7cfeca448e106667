from http.cookies import SimpleCookie

import httpx
import pytest
from tests.conftest import SETTINGS, Browser
from tests.dom import page
from tests.fake_apis import FakeApis

from client.app import create_app
from client.flash import MESSAGES, Flash
from common.testing.browser import SESSIONS, a_user, running
from common.testing.fake_hints import FakeHints
from common.testing.fake_stream import FakeStream


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


@pytest.mark.parametrize("secure", [True, False])
async def test_over_https_every_cookie_is_sent_by_https_alone_and_tied_to_its_host(
    apis: FakeApis, secure: bool
) -> None:
    prefix = "__Host-" if secure else ""
    settings = SETTINGS.model_copy(update={"cookie_secure": secure})
    app = create_app(settings, transport=apis, hints=FakeHints(FakeStream()), stream=FakeStream())
    async with running(app) as browser:
        set_by = [
            await browser.get("/orders"),
            await browser.get("/", headers={"Cookie": f"{prefix}flash=listed"}),
            await browser.get("/auth/signin"),
            await browser.post("/auth/signout"),
            await browser.post("/language", data={"language": "zh"}),
        ]

    lines = [
        line for answer in set_by for line in answer.headers.get_list("set-cookie") if "session=" not in line
    ]
    cookies = [cookie for line in lines for cookie in SimpleCookie(line).values()]
    assert {cookie.key for cookie in cookies} == {
        f"{prefix}{name}" for name in ("flash", "language", "cookies")
    }
    assert {bool(cookie["secure"]) for cookie in cookies} == {secure}
    assert {(cookie["samesite"], cookie["path"], bool(cookie["httponly"])) for cookie in cookies} == {
        ("lax", "/", True)
    }


async def test_over_https_a_message_and_a_language_are_read_under_their_names(apis: FakeApis) -> None:
    app = create_app(
        SETTINGS.model_copy(update={"cookie_secure": True}),
        transport=apis,
        hints=FakeHints(FakeStream()),
        stream=FakeStream(),
    )
    async with running(app) as browser:
        tossed = await browser.get("/", headers={"Cookie": "flash=listed"})
        shown = await browser.get("/", headers={"Cookie": "__Host-flash=listed"})
        languages = [
            (await browser.get("/", headers={"Cookie": cookie})).text
            for cookie in ("__Host-language=zh", "language=zh")
        ]

    assert MESSAGES[Flash.LISTED] not in tossed.text
    assert MESSAGES[Flash.LISTED] in shown.text
    assert ['<html lang="zh' in text for text in languages] == [True, False]
