import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from tests.conftest import SETTINGS, As, Browser
from tests.edge import edge
from tests.fake_apis import FakeApis

from client import upstream
from client.app import create_app
from common.testing.browser import SESSIONS, a_user, running
from common.testing.fake_hints import FakeHints
from common.testing.fake_stream import FakeStream

pytestmark = pytest.mark.sockets


async def test_a_request_is_sent_on_behalf_of_its_browser(as_user: As, apis: FakeApis) -> None:
    browser = as_user(a_user())
    trace = f"00-{'a' * 32}-{'b' * 16}-01"

    await browser.get(
        "/", headers={"X-Forwarded-For": "203.0.113.9", "X-Request-Id": "abc", "traceparent": trace}
    )

    headers = apis.seen[-1].headers
    assert headers["cookie"] == browser.headers["cookie"]
    assert headers["x-forwarded-for"] == "203.0.113.9"
    assert headers["x-request-id"] == "abc"
    assert headers["traceparent"].startswith(f"00-{'a' * 32}-")
    assert headers["host"] == "gittix.test"


async def test_no_other_header_of_the_browser_is_forwarded(browser: Browser, apis: FakeApis) -> None:
    await browser.get(
        "/", headers={"Origin": "http://x.test", "Authorization": "Basic x", "If-None-Match": "x"}
    )

    assert not {"origin", "authorization", "if-none-match"} & set(apis.seen[-1].headers)


async def test_the_apis_are_called_by_a_host_of_their_own_where_there_is_one(apis: FakeApis) -> None:
    """The browser's is redirected to https by an edge that ends TLS."""
    settings = SETTINGS.model_copy(update={"api_host": "api.gittix.internal"})
    app = create_app(settings, transport=apis, hints=FakeHints(FakeStream()), stream=FakeStream())
    async with running(app) as browser:
        await browser.get("/", headers={"Host": "gittix.test"})

    assert apis.seen[-1].headers.get_list("host") == ["api.gittix.internal"]


async def test_a_cookie_of_any_bytes_is_forwarded_unchanged(browser: Browser, apis: FakeApis) -> None:
    await browser.get("/", headers=[(b"Cookie", b"other=caf\xe9")])

    assert (b"Cookie".lower(), b"other=caf\xe9") in [(k.lower(), v) for k, v in apis.seen[-1].headers.raw]


@pytest.mark.parametrize("session_first", [True, False])
async def test_several_lines_of_cookies_are_one(
    browser: Browser, apis: FakeApis, session_first: bool
) -> None:
    lines = [("Cookie", f"{SESSIONS.cookie}={SESSIONS.token(a_user())}"), ("Cookie", "language=zh")]
    lines = lines if session_first else lines[::-1]

    answer = await browser.get("/orders", headers=lines)

    assert answer.status_code == 200
    assert apis.seen[-1].headers.get_list("cookie") == ["; ".join(value for _, value in lines)]


async def test_a_session_stays_with_its_browser(browser: Browser, apis: FakeApis) -> None:
    """Browsers share the pool: a stored cookie of a sign-in would be sent for the next visitor."""
    await browser.post("/auth/signup", data={"email": "ada@example.test", "password": "a long password"})
    browser.cookies.clear()

    await browser.get("/")

    assert "cookie" not in apis.seen[-1].headers


async def test_all_cookies_of_an_answer_reach_the_browser(browser: Browser, apis: FakeApis) -> None:
    cookies = [("Set-Cookie", f"{SESSIONS.cookie}=1; Path=/"), ("Set-Cookie", "other=2; Path=/")]
    apis.failure = httpx.Response(200, json={"id": "1", "email": "x"}, headers=cookies)

    answer = await browser.post("/auth/signin", data={"email": "x", "password": "y"})

    assert answer.headers.get_list("set-cookie") == [value for _, value in cookies]


async def test_a_read_whose_connection_was_cut_is_sent_again_once(browser: Browser, apis: FakeApis) -> None:
    apis.cuts = 1
    assert (await browser.get("/")).status_code == 200
    assert len(apis.calls("GET", "/api/tickets")) == 2

    apis.cuts = 2
    assert (await browser.get("/")).status_code == 503


async def test_a_write_whose_connection_was_cut_is_not_sent_again(as_user: As, apis: FakeApis) -> None:
    apis.cuts = 1
    form = {"title": "Opera", "price": "20"}
    assert (await as_user(a_user()).post("/tickets/new", data=form)).status_code == 503
    assert len(apis.calls("POST", "/api/tickets")) == 1


def test_the_pool_is_bounded_and_every_wait_has_an_end() -> None:
    assert upstream.LIMITS.max_connections == 100
    for timeout in (upstream.TIMEOUT, upstream.PROVIDER_TIMEOUT):
        assert None not in (timeout.connect, timeout.read, timeout.write, timeout.pool)


def test_a_connection_outlasts_a_pause_of_the_visitors_but_not_the_edge() -> None:
    assert upstream.LIMITS.keepalive_expiry is not None
    assert 20 <= upstream.LIMITS.keepalive_expiry < 60


async def test_a_page_bears_a_name_server_that_takes_seconds(
    apis: FakeApis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a node whose processors are busy with a rollout: each look-up takes longer than two seconds."""
    loop = asyncio.get_running_loop()
    resolve = loop.getaddrinfo

    async def slowly(*asked: Any, **how: Any) -> Any:
        await asyncio.sleep(2.2)
        return await resolve(*asked, **how)

    async with edge(apis) as running_edge:
        named = running_edge.url.replace("127.0.0.1", "localhost")
        async with running(an_app(named)) as browser:
            monkeypatch.setattr(loop, "getaddrinfo", slowly)
            assert (await browser.get("/")).status_code == 200


def an_app(url: str) -> FastAPI:
    settings = SETTINGS.model_copy(update={"api_base_url": url})
    return create_app(settings, hints=FakeHints(FakeStream()), stream=FakeStream())


async def test_pages_share_one_connection_one_after_the_other(apis: FakeApis) -> None:
    async with edge(apis) as running_edge, running(an_app(running_edge.url)) as browser:
        seen = set[int]()
        for _ in range(10):
            assert (await browser.get("/")).status_code == 200
            seen |= running_edge.connections

    assert len(seen) == 1


async def test_a_flood_opens_no_more_connections_than_the_pool_has(
    apis: FakeApis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream, "LIMITS", httpx.Limits(max_connections=5))
    async with edge(apis, together=5) as running_edge, running(an_app(running_edge.url)) as browser:
        answers = await asyncio.gather(*(browser.get("/") for _ in range(20)))

    assert [answer.status_code for answer in answers] == [200] * 20
    assert running_edge.most == 5


async def test_an_edge_that_is_away_is_a_503(apis: FakeApis) -> None:
    async with edge(apis) as running_edge:
        app = an_app(running_edge.url)
    async with running(app) as browser:
        assert (await browser.get("/")).status_code == 503


@pytest.mark.parametrize("secure", [True, False])
async def test_the_session_cookie_is_read_by_its_name(apis: FakeApis, secure: bool) -> None:
    with_cookie = SETTINGS.model_copy(update={"cookie_secure": secure})
    app = create_app(with_cookie, transport=apis, hints=FakeHints(FakeStream()), stream=FakeStream())
    name = "__Host-session" if secure else "session"
    async with running(app) as browser:
        answer = await browser.get("/", headers={"Cookie": f"{name}={SESSIONS.token(a_user())}"})

    assert "Sign Out" in answer.text
