"""The device cookie: a bucket of failures for a browser that signed in to the account before."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from auth.app import create_app
from auth.devices import LIFETIME, MAX_ACCOUNTS
from auth.settings import Settings
from common.base import times
from common.persistence.mongo import Database
from common.testing.browser import BASE_URL
from common.testing.fake_stream import FakeStream

EMAIL, GOOD, BAD = "ada@example.test", "correct horse", "correct house"
MINUTE = timedelta(minutes=1)
HOME, AWAY = "192.0.2.1", "203.0.113.9"

Browser = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def browser(app: FastAPI) -> Callable[[], Browser]:
    """Makes browsers, each with its own cookies. One signs in, or up, with an e-mail and a password."""

    def new() -> Browser:
        cookies = httpx.Cookies()

        async def send(
            password: str, email: str = EMAIL, address: str = HOME, path: str = "signin", on: FastAPI = app
        ) -> httpx.Response:
            transport = httpx.ASGITransport(on, client=(address, 50_000))
            async with httpx.AsyncClient(transport=transport, base_url=BASE_URL, cookies=cookies) as client:
                answer = await client.post(f"/api/users/{path}", json={"email": email, "password": password})
                cookies.update(client.cookies)
                return answer

        return send

    return new


@pytest.fixture
async def own(browser: Callable[[], Browser]) -> Browser:
    """Browser of the owner, who signed up on it."""
    own = browser()
    assert (await own(GOOD, path="signup")).status_code == 201
    return own


async def _attack(stranger: Browser) -> None:
    """A hundred failures, from ten addresses."""
    for number in range(100):
        await stranger(BAD, address=f"198.51.100.{number % 10}")


async def test_a_hundred_failures_from_ten_addresses_do_not_lock_out_the_owners_own_device(
    browser: Callable[[], Browser], own: Browser
) -> None:
    await _attack(browser())

    assert (await own(GOOD)).status_code == 200
    assert (await own(GOOD, address=AWAY)).status_code == 200
    assert (await browser()(GOOD, address=AWAY)).status_code == 429


async def test_failures_from_the_owners_own_address_do_not_lock_out_the_owners_device(
    browser: Callable[[], Browser], own: Browser
) -> None:
    stranger = browser()
    for number in range(40):
        await stranger(BAD, email=f"{number}@example.test")
    assert (await browser()(GOOD)).status_code == 429

    assert (await own(GOOD)).status_code == 200


async def test_a_sign_in_makes_the_device_known_as_a_sign_up_does(
    browser: Callable[[], Browser], own: Browser
) -> None:
    assert (await own(GOOD)).status_code == 200
    phone = browser()
    assert (await phone(GOOD)).status_code == 200
    await _attack(browser())

    assert (await phone(GOOD, address=AWAY)).status_code == 200


async def test_a_known_device_has_ten_tries_and_no_more_from_another_address(own: Browser) -> None:
    statuses = [(await own(BAD, address=f"192.0.2.{number}")).status_code for number in range(12)]

    assert statuses == [400] * 10 + [429] * 2
    assert (await own(GOOD, address=AWAY)).status_code == 429


async def test_a_success_clears_the_count_of_the_device(own: Browser) -> None:
    for _ in range(3):
        assert [(await own(BAD)).status_code for _ in range(9)] == [400] * 9
        assert (await own(GOOD)).status_code == 200


async def test_the_failures_of_a_known_device_count_for_its_address(
    browser: Callable[[], Browser], own: Browser
) -> None:
    stranger = browser()
    for number in range(20):
        await stranger(BAD, email=f"{number}@example.test")
    for _ in range(10):
        await own(BAD)

    assert (await stranger(BAD, email="new@example.test")).status_code == 429


async def test_a_cookie_of_another_account_wins_no_tries(
    browser: Callable[[], Browser], own: Browser
) -> None:
    mallory = browser()
    await mallory("mallory's own", "mallory@example.test", AWAY, "signup")

    statuses = [(await mallory(BAD, address=AWAY)).status_code for _ in range(12)]

    assert statuses == [400] * 10 + [429] * 2
    assert (await own(GOOD)).status_code == 200


async def test_one_browser_is_known_to_several_accounts(browser: Callable[[], Browser], own: Browser) -> None:
    emails = [f"{number}@example.test" for number in range(MAX_ACCOUNTS)]
    for email in emails:
        assert (await own(GOOD, email=email, path="signup")).status_code == 201
    for email in (EMAIL, *emails):
        stranger = browser()
        for _ in range(10):
            await stranger(BAD, email=email)

    # The first one is one too many.
    assert (await own(GOOD)).status_code == 429
    assert {(await own(GOOD, email=email)).status_code for email in emails} == {200}


@pytest.mark.parametrize("spoil", ["", "x", "~", "{}~", "{}x", "x{}", "{}~~~~~~~~~~~", "\0", "a.1.b"])
async def test_a_cookie_that_is_not_whole_counts_for_nothing_or_for_what_it_is(
    app: FastAPI, own: Browser, spoil: str
) -> None:
    token = (await own(GOOD)).cookies["device"]
    transport = httpx.ASGITransport(app, client=(AWAY, 50_000))
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
        answer = await client.post(
            "/api/users/signin",
            json={"email": EMAIL, "password": GOOD},
            headers={b"Cookie": f"device={spoil.format(token)}".encode()},
        )

    assert answer.status_code == 200
    assert answer.cookies["device"].count("~") == 0


async def test_a_cookie_under_another_key_is_none(
    browser: Callable[[], Browser], own: Browser, settings: Settings, database: Database
) -> None:
    await _attack(browser())
    renewed = create_app(
        settings.model_copy(update={"device_key": "n" * 32}), stream=FakeStream(), database=database
    )

    assert (await own(GOOD, on=renewed)).status_code == 429


async def test_a_cookie_is_good_for_its_lifetime(
    browser: Callable[[], Browser], monkeypatch: pytest.MonkeyPatch, own: Browser
) -> None:
    end = times.now() + LIFETIME
    monkeypatch.setattr(times, "now", lambda: end - MINUTE)
    await _attack(browser())
    assert (await own(BAD)).status_code == 400

    monkeypatch.setattr(times, "now", lambda: end + MINUTE)
    assert (await own(GOOD)).status_code == 429


async def test_the_cookie_is_out_of_reach_of_scripts_and_names_nobody(own: Browser) -> None:
    (cookie,) = [
        line for line in (await own(GOOD)).headers.get_list("set-cookie") if line.startswith("device=")
    ]

    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert f"Max-Age={int(timedelta(days=400).total_seconds())}" in cookie
    assert "ada" not in cookie


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"cookie_secure": True}, "__Host-device"),
        ({"cookie_secure": False, "cookie_port": 8080}, "device-8080"),
    ],
)
async def test_the_cookie_is_named_as_the_sessions(
    settings: Settings,
    database: Database,
    browser: Callable[[], Browser],
    changes: dict[str, object],
    name: str,
) -> None:
    app = create_app(settings.model_copy(update=changes), stream=FakeStream(), database=database)

    answer = await browser()(GOOD, path="signup", on=app)

    (cookie,) = [line for line in answer.headers.get_list("set-cookie") if line.startswith(f"{name}=")]
    assert ("Secure" in cookie) is (name == "__Host-device")


async def test_a_refused_sign_in_sets_no_cookie(browser: Callable[[], Browser], own: Browser) -> None:
    assert "set-cookie" not in (await browser()(BAD)).headers
    assert "set-cookie" not in (await own(BAD)).headers
