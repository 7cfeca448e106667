import httpx
import pytest
from fastapi import FastAPI
from tests.conftest import As, Browser
from tests.dom import alerts, error_of, links, page
from tests.fake_apis import FakeApis

from common.http.client_address import HEADER, SignedClientAddress
from common.testing.browser import BASE_URL, CLIENT_ADDRESS_KEY, SESSIONS, a_user, running

ADA = {"email": "ada@example.test", "password": "a long password"}


async def test_signing_up_starts_a_session_and_goes_to_the_front_page(browser: Browser) -> None:
    answer = await browser.post("/auth/signup", data=ADA)

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "HttpOnly" in answer.headers["set-cookie"]
    user = SESSIONS.read(browser.cookies[SESSIONS.cookie])
    assert user is not None
    header = page(await browser.get("/")).one("header")
    assert "Sign Out" in header.text
    assert "ada@example.test" in header.text


@pytest.mark.parametrize("path", ["/auth/signup", "/auth/signin"])
async def test_the_cookie_of_a_known_device_reaches_the_browser_and_comes_back(
    browser: Browser, apis: FakeApis, path: str
) -> None:
    await browser.post("/auth/signup", data=ADA)
    browser.cookies.clear()

    await browser.post(path, data=ADA | ({"email": "new@example.test"} if "signup" in path else {}))
    assert browser.cookies["device"] == "a-known-device"

    await browser.post("/auth/signin", data=ADA)
    assert "device=a-known-device" in apis.seen[-1].headers["cookie"]


@pytest.mark.parametrize(
    ("sent", "field", "message"),
    [
        (
            {"email": "ada", "password": "a long password"},
            "email",
            "Enter an e-mail address such as name@example.com",
        ),
        (
            {"email": "ada@example.test", "password": "x"},
            "password",
            "Enter a password of 8 to 128 characters",
        ),
    ],
)
async def test_a_refused_sign_up_says_why_beside_the_field_and_keeps_the_email_only(
    browser: Browser, sent: dict[str, str], field: str, message: str
) -> None:
    answer = await browser.post("/auth/signup", data=sent)

    assert answer.status_code == 400
    shown = page(answer)
    assert error_of(shown, field) == message
    assert shown.one("input", name_="email")["value"] == sent["email"]
    assert shown.one("input", name_="password")["value"] == ""
    assert shown.one("title").text.startswith("Error:")


async def test_the_password_never_comes_back(browser: Browser) -> None:
    answer = await browser.post("/auth/signin", data={"email": "x@y.test", "password": "s3cret-words"})

    assert "s3cret-words" not in answer.text


async def test_wrong_credentials_are_said_above_the_form(browser: Browser) -> None:
    answer = await browser.post("/auth/signin", data=ADA)

    assert answer.status_code == 400
    assert alerts(page(answer)) == ["Invalid credentials"]


async def test_signing_in_goes_on_to_where_the_visitor_was_going(browser: Browser) -> None:
    await browser.post("/auth/signup", data=ADA)
    browser.cookies.clear()
    asked = await browser.get("/orders?cursor=3")
    assert asked.headers["location"] == "/auth/signin?next=%2Forders%3Fcursor%3D3"
    form = page(await browser.get(asked.headers["location"])).one("main")

    answer = await browser.post("/auth/signin", data=ADA | {"next": form.one("input", name_="next")["value"]})

    assert answer.headers["location"] == "/orders?cursor=3"


@pytest.mark.parametrize("path", ["//evil.test", "https:evil.test", "/\\evil.test", "/\t/evil.test"])
async def test_next_never_leads_to_another_site(browser: Browser, path: str) -> None:
    await browser.post("/auth/signup", data=ADA)
    browser.cookies.clear()

    shown = page(await browser.get("/auth/signin", params={"next": path}))
    answer = await browser.post("/auth/signin", data=ADA | {"next": path})

    assert shown.one("main").one("input", name_="next")["value"] == "/"
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_a_sign_up_too_many_from_a_network_says_when_to_come_back_and_keeps_the_email(
    browser: Browser, apis: FakeApis
) -> None:
    entry = {"code": "too-many-sign-ups", "message": "Too many accounts"}
    apis.failure = httpx.Response(429, json={"errors": [entry]}, headers={"Retry-After": "2400"})

    answer = await browser.post("/auth/signup", data=ADA)

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2400")
    words = "Too many accounts were created from your network. Please try again in 40 minutes."
    assert words in alerts(page(answer))
    assert page(answer).one("input", name_="email")["value"] == ADA["email"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        ("30", "Too many tries. Please try again in 30 seconds."),
        ("60", "Too many tries. Please try again in 1 minute."),
        ("841", "Too many tries. Please try again in 15 minutes."),
        ("Wed, 21 Oct 2026 07:28:00 GMT", "Too many tries, please wait"),
    ],
)
async def test_too_many_tries_say_when_to_come_back(
    browser: Browser, apis: FakeApis, seconds: str, words: str
) -> None:
    entry = {"code": "too-many-tries", "message": "Too many tries, please wait"}
    apis.failure = httpx.Response(429, json={"errors": [entry]}, headers={"Retry-After": seconds})

    answer = await browser.post("/auth/signin", data=ADA)

    assert (answer.status_code, answer.headers["retry-after"]) == (429, seconds)
    assert alerts(page(answer)) == [words]
    chinese = await browser.post("/auth/signin", data=ADA, headers={"Accept-Language": "zh"})
    assert "再试" in alerts(page(chinese))[0] or seconds.startswith("Wed")


async def test_a_form_for_strangers_sends_a_member_on(as_user: As) -> None:
    answer = await as_user(a_user()).get("/auth/signin?next=/orders")

    assert (answer.status_code, answer.headers["location"]) == (303, "/orders")


TYPED = {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
"""What a browser says of an address that its user typed."""


@pytest.mark.parametrize(
    ("method", "headers"),
    [("POST", {}), ("GET", TYPED), ("GET", TYPED | {"Sec-Fetch-Site": "same-origin"})],
    ids=["button", "typed", "own page"],
)
async def test_signing_out_ends_the_session_and_goes_to_the_front_page(
    browser: Browser, apis: FakeApis, method: str, headers: dict[str, str]
) -> None:
    await browser.post("/auth/signup", data=ADA)

    answer = await browser.request(method, "/auth/signout", headers=headers)

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert len(apis.calls("POST", "/api/users/signout")) == 1
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    assert SESSIONS.cookie not in browser.cookies
    assert {"Sign Up", "Sign In"} <= links(await browser.get("/")).keys()


async def test_signing_out_works_while_the_api_is_down(browser: Browser, apis: FakeApis) -> None:
    await browser.post("/auth/signup", data=ADA)
    apis.failure = httpx.ConnectError("down")

    answer = await browser.post("/auth/signout")

    assert answer.status_code == 303
    assert SESSIONS.cookie not in browser.cookies


@pytest.mark.parametrize(
    "headers",
    [
        {},
        TYPED | {"Sec-Fetch-Site": "cross-site"},
        TYPED | {"Sec-Fetch-Site": "same-site"},
        TYPED | {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        TYPED | {"Sec-Fetch-Dest": "iframe"},
        TYPED | {"Sec-Purpose": "prefetch"},
        TYPED | {"Sec-Purpose": "prefetch;prerender"},
        TYPED | {"Purpose": "prefetch"},
        TYPED | {"X-Moz": "prefetch"},
    ],
    ids=str,
)
async def test_a_read_that_may_not_be_the_users_own_act_signs_nobody_out_and_shows_a_button(
    browser: Browser, apis: FakeApis, headers: dict[str, str]
) -> None:
    await browser.post("/auth/signup", data=ADA)

    answer = await browser.get("/auth/signout", headers=headers)

    assert answer.status_code == 200
    assert page(answer).one("main").one("form", method="post", action="/auth/signout").text == "Sign Out"
    assert apis.calls("POST", "/api/users/signout") == []
    assert SESSIONS.cookie in browser.cookies


async def test_the_bar_shows_members_what_they_can_do(as_user: As) -> None:
    shown = page(await as_user(a_user()).get("/"))

    bar = shown.one("header")
    assert bar.one("a", cls="brand").text == "GitTix"
    assert {a.text: a["href"] for a in bar.one("nav").all("a")} == {
        "Sell Tickets": "/tickets/new",
        "My Orders": "/orders",
        "My Listings": "/listings",
        "My Account": "/account",
    }
    assert bar.one("form", method="post", action="/auth/signout").text == "Sign Out"


async def test_a_tampered_session_is_a_stranger(browser: Browser) -> None:
    browser.cookies.set(SESSIONS.cookie, SESSIONS.token(a_user()) + "x")

    assert "Sign In" in links(await browser.get("/"))


@pytest.mark.parametrize("action", ["signin", "signup"])
async def test_auth_learns_which_address_the_browser_has(app: FastAPI, apis: FakeApis, action: str) -> None:
    transport = httpx.ASGITransport(app, client=("192.0.2.7", 50_000))
    async with running(app), httpx.AsyncClient(transport=transport, base_url=BASE_URL) as browser:
        await browser.post(f"/auth/{action}", data=ADA, headers={HEADER: "a word of the browser's own"})

    (asked,) = [request for request in apis.seen if request.url.path == f"/api/users/{action}"]
    assert SignedClientAddress(CLIENT_ADDRESS_KEY).read(asked.headers[HEADER]) == "192.0.2.7"
