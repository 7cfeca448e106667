"""The sessions on a member's account page."""

import pytest
from tests.conftest import Browser
from tests.dom import page
from tests.fake_apis import FakeApis

ADA = {"email": "ada@example.test", "password": "a long password"}
FIREFOX = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


@pytest.fixture
async def ada(browser: Browser) -> Browser:
    """Browser of a user who is signed in on another device, too."""
    await browser.post("/auth/signup", data=ADA, headers=FIREFOX)
    browser.cookies.clear()
    await browser.post("/auth/signin", data=ADA)
    return browser


async def test_each_device_is_shown_and_which_one_is_this(ada: Browser) -> None:
    shown = page(await ada.get("/account"))

    assert "Firefox on Linux" in shown.text
    assert "Unknown device" in shown.text
    assert shown.text.count("This device") == 1
    assert len(shown.all("form", action="/account/sessions/end")) == 1


async def test_another_device_is_signed_out(ada: Browser, apis: FakeApis) -> None:
    (form,) = page(await ada.get("/account")).all("form", action="/account/sessions/end")
    (field,) = form.all("input")

    answer = await ada.post("/account/sessions/end", data={"id": field["value"]})

    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    shown = page(await ada.get("/account"))
    assert "That device is signed out." in shown.text
    assert "Firefox on Linux" not in shown.text
    assert field["value"] not in apis.sessions
    # The same form again, from another tab.
    assert (await ada.post("/account/sessions/end", data={"id": field["value"]})).status_code == 303


async def test_all_other_devices_are_signed_out(ada: Browser) -> None:
    answer = await ada.post("/account/sessions/end-others")

    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    shown = page(await ada.get("/account"))
    assert "All your other devices are signed out." in shown.text
    assert not shown.all("form", action="/account/sessions/end-others")


@pytest.mark.parametrize("name", ["", "..", "a/b", "../password", "é"])
async def test_an_id_that_is_none_ends_nothing(ada: Browser, apis: FakeApis, name: str) -> None:
    await ada.post("/account/sessions/end", data={"id": name})

    assert len(apis.sessions) == 2


async def test_without_the_list_of_the_api_the_page_has_the_rest(ada: Browser, apis: FakeApis) -> None:
    """The users API may be of the release before."""
    apis.without_sessions = True

    answer = await ada.get("/account")

    assert answer.status_code == 200
    assert "Where you are signed in" not in page(answer).text


async def test_a_visitor_is_asked_to_sign_in(browser: Browser) -> None:
    for path in ("/account/sessions/end", "/account/sessions/end-others"):
        answer = await browser.post(path, data={"id": "x"})
        assert answer.headers.get("location", "").startswith("/auth/signin") or answer.status_code == 401
