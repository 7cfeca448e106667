"""A member deletes the account, after a page that says what that means."""

import json

import httpx
import pytest
from tests.conftest import Browser
from tests.dom import error_of, page
from tests.fake_apis import FakeApis, entry

from common.testing.authenticator import Authenticator
from common.testing.browser import BASE_URL, SESSIONS

PATH = "/account/delete"
EMAIL, PASSWORD = "ada@example.test", "a long password"
ADA = {"email": EMAIL, "password": PASSWORD}
FORM = {"sure": "yes", "password": PASSWORD}


@pytest.fixture
async def ada(browser: Browser) -> Browser:
    await browser.post("/auth/signup", data=ADA)
    await browser.get("/")
    return browser


async def test_the_account_page_leads_to_the_effects_and_the_form(ada: Browser) -> None:
    (link,) = page(await ada.get("/account")).all("a", href=PATH)

    shown = page(await ada.get(link["href"]))

    assert "Your listings are withdrawn." in shown.text
    assert shown.one("form", action=PATH)["method"] == "post"
    assert "checked" not in shown.one("input", name="sure").attributes


async def test_a_deleted_account_is_signed_out_and_nothing_shows_its_address(
    ada: Browser, apis: FakeApis
) -> None:
    answer = await ada.post(PATH, data=FORM)

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    assert SESSIONS.cookie not in ada.cookies
    shown = page(await ada.get("/"))
    assert "Your account is deleted." in shown.text
    assert EMAIL not in shown.text
    assert apis.users == {}
    assert (await ada.post("/auth/signin", data=ADA)).status_code == 400


async def test_the_pages_forget_the_address_at_once(ada: Browser) -> None:
    session = ada.cookies[SESSIONS.cookie]
    await ada.post(PATH, data=FORM)

    ada.cookies.set(SESSIONS.cookie, session)

    assert EMAIL not in (await ada.get("/")).text


@pytest.mark.parametrize(
    ("form", "field", "message"),
    [
        ({"password": PASSWORD}, "sure", "Tick this box if you want to delete your account"),
        ({"sure": "yes", "password": "wrong"}, "password", "This is not your password"),
        ({"sure": "yes"}, "password", "Enter your password"),
    ],
)
async def test_a_refusal_stands_beside_its_field_and_deletes_nothing(
    ada: Browser, apis: FakeApis, form: dict[str, str], field: str, message: str
) -> None:
    answer = await ada.post(PATH, data=form)

    assert answer.status_code == 400
    shown = page(answer)
    assert error_of(shown, field) == message
    assert shown.all("input", name="password")[0].attributes.get("value", "") == ""
    assert ("checked" in shown.one("input", name="sure").attributes) == ("sure" in form)
    assert len(apis.users) == 1


async def test_a_passkey_stands_in_for_the_password(ada: Browser, apis: FakeApis) -> None:
    device = Authenticator(BASE_URL)
    add = {"passkey_name": "Phone", "passkey_password": PASSWORD}
    options = (await ada.post("/account/passkeys/options", data=add)).json()
    await ada.post("/account/passkeys", data=add | {"credential": json.dumps(device.create(options))})
    assert "Use a passkey instead of the password" in page(await ada.get(PATH)).text

    proof = device.get((await ada.post("/account/passkeys/proof")).json())
    answer = await ada.post(PATH, data={"sure": "yes", "passkey": json.dumps(proof)})

    assert answer.status_code == 303
    assert apis.users == {}


async def test_what_no_device_answers_deletes_nothing(ada: Browser, apis: FakeApis) -> None:
    answer = await ada.post(PATH, data=FORM | {"passkey": "{}"})

    assert answer.status_code == 400
    assert len(apis.users) == 1


async def test_a_visitor_is_sent_to_sign_in(browser: Browser) -> None:
    for answer in (await browser.get(PATH), await browser.post(PATH, data=FORM)):
        assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/auth/signin")


async def test_a_release_of_the_api_that_deletes_none_is_an_outage(ada: Browser, apis: FakeApis) -> None:
    apis.failure = httpx.Response(404, json={"errors": [entry("not-found", "Not found")]})

    answer = await ada.post(PATH, data=FORM)

    assert answer.status_code == 503
    assert "can't do this right now" in page(answer).text
