"""The headers of every answer: each route of each service and of the pages, over what may come of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from starlette.routing import Route
from tests.apis.backends import fake_apis, services

import client.app
import client.headers
import client.settings
from common.base.ids import new_id
from common.testing.browser import CLIENT_ADDRESS_KEY, JWT_PUBLIC_KEYS, running, signed_in
from common.testing.fake_hints import FakeHints
from common.testing.fake_stream import FakeStream

SITE = "https://gittix.test"
COOKIE = "__Host-session"
SESSION = {"Cookie": f"{COOKIE}={signed_in()['Cookie'].partition('=')[2]}"}
EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
}
OF_APIS = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}
OF_PAGES = {
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "same-origin",
    "permissions-policy": client.headers.PERMISSIONS,
}
OF_LINKS = OF_PAGES | {"referrer-policy": "strict-origin"}
"""Of the pages whose address holds the secret of a mailed link."""
LINKS = ("/auth/confirm", "/auth/reset", "/unsubscribe")
METHODS = ("HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
"""HEAD in the place of GET: its answer begins as GET's, and that of an open page ends."""
SENT: Sequence[dict[str, str]] = (
    {},
    SESSION,
    SESSION | {"Content-Type": "application/json"},
    SESSION | {"Content-Type": "application/x-www-form-urlencoded"},
    SESSION | {"Sec-Fetch-Site": "same-site"},
    {"Content-Length": "x"},
    {"X-Forwarded-For": "203.0.113.9"},
    {"Accept-Encoding": "identity;q=0, *;q=0"},
)
PATHS = ("/api/users", "/api/tickets", "/api/orders", "/api/payments", "/")


def pages() -> FastAPI:
    settings = client.settings.Settings(
        api_base_url="http://edge.test",
        public_url=SITE,
        jwt_public_keys=JWT_PUBLIC_KEYS,
        client_address_key=CLIENT_ADDRESS_KEY,
        cookie_secure=True,
        nats_url="nats://nats.test:4222",
    )
    return client.app.create_app(
        settings, transport=fake_apis(), hints=FakeHints(FakeStream()), stream=FakeStream()
    )


def apps() -> dict[str, FastAPI]:
    return {**services(FakeStream(), secure=True), "/": pages()}


def addresses(app: FastAPI) -> Iterator[str]:
    """One of each route, and some of none."""
    for route in app.routes:
        if isinstance(route, Route):
            names = {name: new_id() for name in route.param_convertors}
            yield str(app.url_path_for(route.name, **names)) if names else route.path
    yield from ("/nowhere", "/api/nowhere", "/%ff", "/static/style.css", "/static/nothing.css", "/orders/")


@dataclass(frozen=True)
class Answers:
    """Of one app: every address by every method, with every kind of headers."""

    are_pages: bool
    all: list[httpx.Response]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=PATHS)
async def answers(request: pytest.FixtureRequest) -> Answers:
    app = apps()[request.param]
    async with running(app) as caller:
        given = [
            await caller.request(method, f"{SITE}{address}", headers=headers)
            for address, method, headers in product(addresses(app), METHODS, SENT)
        ]
    return Answers(request.param == "/", given)


def test_every_answer_has_the_headers_of_a_service(answers: Answers) -> None:
    for answer in answers.all:
        named = f"{answer.request.method} {answer.request.url} {answer.status_code} {answer.headers}"
        assert EVERYWHERE.items() <= answer.headers.items(), named
        for name in ("cache-control", "content-security-policy", *EVERYWHERE):
            assert len(answer.headers.get_list(name)) == 1, named


def _shows_a_link(answer: httpx.Response) -> bool:
    """A refusal before the page is asked, such as of another site's form, shows none."""
    shows = answer.headers.get("referrer-policy") != OF_PAGES["referrer-policy"] or answer.is_success
    return shows and answer.request.url.path in LINKS


def test_an_answer_of_an_api_is_data_and_of_the_pages_kept_apart_from_other_sites(answers: Answers) -> None:
    """No route of an API says otherwise, so far."""
    for answer in answers.all:
        by_page = OF_LINKS if _shows_a_link(answer) else OF_PAGES
        wanted = by_page if answers.are_pages else OF_APIS
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        if not answer.request.url.path.startswith("/docs"):
            assert wanted.items() <= answer.headers.items(), answer.request
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy


def test_the_answer_to_a_user_is_not_stored(answers: Answers) -> None:
    """A cache may keep what is the same for all: static files, the site's map and icons."""
    public = ("/static/", "/favicon.ico", "/apple-touch-icon", "/robots.txt", "/sitemap.xml")
    for answer in answers.all:
        sent = answer.request.headers.get("cookie", "")
        if COOKIE in sent and not answer.request.url.path.startswith(public):
            assert answer.headers["cache-control"] == "no-store", answer.request


def test_the_table_has_every_outcome(answers: Answers) -> None:
    outcomes = {answer.status_code for answer in answers.all}

    assert outcomes >= {200, 400, 403, 404, 405}
    assert outcomes >= ({303, 406} if answers.are_pages else set())
    assert 500 not in outcomes


async def test_a_file_that_the_browser_has_is_answered_with_them_too() -> None:
    async with running(pages()) as caller:
        tag = (await caller.get(f"{SITE}/static/style.css")).headers["etag"]
        answer = await caller.get(f"{SITE}/static/style.css", headers={"If-None-Match": tag})

    assert answer.status_code == 304
    assert (EVERYWHERE | OF_PAGES).items() <= answer.headers.items()


async def test_a_fault_is_answered_with_them_wherever_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Error pages are made outside of the layer that catches faults."""

    def fail(_status: int) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr("client.errors.heading", fail)
    async with running(pages()) as caller:
        answer = await caller.get(f"{SITE}/nowhere")

    assert answer.status_code == 500
    assert answer.json()["errors"][0]["code"] == "internal-error"
    assert (EVERYWHERE | OF_PAGES).items() <= answer.headers.items()


@pytest.mark.parametrize("path", PATHS[:-1])
async def test_a_site_without_https_does_not_ask_for_it(path: str) -> None:
    async with running(services(FakeStream())[path]) as caller:
        assert "strict-transport-security" not in (await caller.get("/nowhere")).headers
