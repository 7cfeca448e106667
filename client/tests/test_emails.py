"""The e-mail address at the top of a page, which no session holds."""

from collections.abc import Callable

import httpx
import pytest
from tests.conftest import As, Browser
from tests.dom import page
from tests.fake_apis import FakeApis

from client import emails
from client.emails import KEPT_SECONDS, RETRY_SECONDS, Emails
from common.base.identity import CurrentUser
from common.testing.browser import a_user

ADA = "ada@example.test"
CURRENT = "/api/users/currentuser"
Pass = Callable[[float], None]


@pytest.fixture
def ada(apis: FakeApis) -> CurrentUser:
    user = a_user()
    apis.emails[user.id] = ADA
    return user


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> Pass:
    """Lets seconds pass on the clock of the addresses."""
    now = [1_000.0]
    monkeypatch.setattr(emails, "monotonic", lambda: now[0])

    def let(seconds: float) -> None:
        now[0] += seconds

    return let


async def shown(browser: Browser) -> bool:
    answer = await browser.get("/")
    assert answer.status_code == 200
    assert "Sign Out" in page(answer).one("header").text
    assert (ADA in page(answer).one("header").text) is (ADA in page(answer).one("footer").text)
    return ADA in answer.text


async def test_each_page_shows_it_and_one_request_in_ten_minutes_asks_for_it(
    as_user: As, apis: FakeApis, ada: CurrentUser, passes: Pass
) -> None:
    browser = as_user(ada)

    assert [await shown(browser) for _ in range(5)] == [True] * 5
    assert len(apis.calls("GET", CURRENT)) == 1

    passes(KEPT_SECONDS)
    assert await shown(browser)
    assert len(apis.calls("GET", CURRENT)) == 2


async def test_a_page_for_nobody_asks_nothing(browser: Browser, apis: FakeApis) -> None:
    await browser.get("/")

    assert apis.calls("GET", CURRENT) == []


async def test_while_auth_is_away_pages_are_shown_without_it_and_it_is_asked_for_later(
    as_user: As, apis: FakeApis, ada: CurrentUser, passes: Pass
) -> None:
    browser = as_user(ada)
    apis.auth_failure = httpx.Response(503)

    assert [await shown(browser) for _ in range(3)] == [False] * 3
    assert len(apis.calls("GET", CURRENT)) == 1

    apis.auth_failure = None
    passes(RETRY_SECONDS)
    assert await shown(browser)


async def test_one_that_is_known_outlives_an_outage_of_auth(
    as_user: As, apis: FakeApis, ada: CurrentUser, passes: Pass
) -> None:
    browser = as_user(ada)
    assert await shown(browser)
    apis.auth_failure = httpx.ConnectError("no route")
    passes(KEPT_SECONDS)

    assert await shown(browser)


async def test_a_session_without_a_user_is_shown_without_one(as_user: As) -> None:
    assert not await shown(as_user(a_user()))


async def test_another_users_is_not_shown(as_user: As, ada: CurrentUser) -> None:
    assert await shown(as_user(ada))
    assert not await shown(as_user(a_user()))


async def test_only_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emails, "MOST", 3)

    class Asked:
        async def email(self) -> str:
            return ADA

    kept = Emails()
    for user_id in "abcd":
        await kept.learn(user_id, Asked())

    assert [kept.of(user_id) for user_id in "abcd"] == ["", ADA, ADA, ADA]
