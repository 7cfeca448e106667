"""Passkeys of a member's account, and the sign-in by one."""

import json
from typing import Any

import httpx
import pytest
from tests.conftest import Browser
from tests.dom import alerts, error_of, page
from tests.fake_apis import FakeApis

from common.testing.authenticator import Authenticator
from common.testing.browser import BASE_URL, SESSIONS

PASSWORD = "a long password"
ADA = {"email": "ada@example.test", "password": PASSWORD}
ADD = {"passkey_name": "Phone", "passkey_password": PASSWORD}


@pytest.fixture
def device() -> Authenticator:
    return Authenticator(BASE_URL)


@pytest.fixture
async def ada(browser: Browser) -> Browser:
    await browser.post("/auth/signup", data=ADA)
    await browser.get("/")
    return browser


async def add(browser: Browser, device: Authenticator, name: str = "Phone") -> httpx.Response:
    """As the script does."""
    options = (await browser.post("/account/passkeys/options", data=ADD)).json()
    form = {"passkey_name": name, "credential": json.dumps(device.create(options))}
    return await browser.post("/account/passkeys", data=form)


async def answer_of(browser: Browser, device: Authenticator, path: str) -> str:
    return json.dumps(device.get((await browser.post(path)).json()))


async def test_a_member_adds_names_and_removes_a_passkey(
    ada: Browser, apis: FakeApis, device: Authenticator
) -> None:
    assert "You have no passkey yet." in page(await ada.get("/account")).text

    assert (await add(ada, device)).headers["location"] == "/account"
    assert "Your passkey is added." in page(await ada.get("/account")).text
    ((passkey),) = apis.passkeys.values()
    path = f"/account/passkeys/{passkey['id']}"

    await ada.post(f"{path}/name", data={"name": "Work phone"})
    shown = await ada.get("/account")
    assert 'value="Work phone"' in shown.text
    assert "Not used yet." in page(shown).text

    await ada.post(f"{path}/removal")
    assert "The passkey is removed." in page(await ada.get("/account")).text
    assert apis.passkeys == {}


async def test_a_visitor_signs_in_by_a_passkey_and_goes_on(ada: Browser, device: Authenticator) -> None:
    await add(ada, device)
    ada.cookies.delete(SESSIONS.cookie)

    answer = await answer_of(ada, device, "/auth/signin/passkey/options")
    signed_in = await ada.post("/auth/signin/passkey", data={"passkey": answer, "next": "/orders"})

    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/orders")
    assert SESSIONS.read(ada.cookies[SESSIONS.cookie]) is not None


async def test_a_passkey_that_is_refused_shows_the_sign_in_page_with_the_reason(
    ada: Browser, apis: FakeApis, device: Authenticator
) -> None:
    await add(ada, device)
    apis.passkeys.clear()
    ada.cookies.delete(SESSIONS.cookie)

    answer = await answer_of(ada, device, "/auth/signin/passkey/options")
    refused = await ada.post("/auth/signin/passkey", data={"passkey": answer, "next": "/orders"})

    assert refused.status_code == 400
    assert "This passkey does not work here" in alerts(page(refused))[0]
    assert 'name="next" value="/orders"' in refused.text


@pytest.mark.parametrize(
    "answer", ["text", "[]", "{}", "5", "null", "[" * 50_000, '{"id":' * 950 + "1" + "}" * 950]
)
async def test_an_answer_that_no_script_wrote_is_refused(browser: Browser, answer: str) -> None:
    assert (await browser.post("/auth/signin/passkey", data={"passkey": answer})).status_code == 400


async def test_a_form_without_an_answer_is_refused_in_words(browser: Browser) -> None:
    refused = await browser.post("/auth/signin/passkey", data={"email": "ada@example.test"})

    assert refused.status_code == 400
    assert "This passkey does not work here" in alerts(page(refused))[0]


async def test_the_script_is_told_in_words_why_it_gets_no_options(ada: Browser) -> None:
    refused = await ada.post("/account/passkeys/options", data={"passkey_password": "wrong"})

    assert (refused.status_code, refused.text) == (400, "This is not your password")
    assert refused.headers["content-type"].startswith("text/plain")


async def test_a_refused_name_is_shown_beside_the_field(ada: Browser, device: Authenticator) -> None:
    refused = await add(ada, device, " ")

    assert refused.status_code == 400
    assert error_of(page(refused), "passkey_name") == "Enter a name of 1 to 50 characters"


@pytest.mark.parametrize(
    ("path", "form"),
    [("password", {"password": "another long password"}), ("email", {"email": "ada@work.test"})],
)
async def test_a_passkey_stands_in_for_the_password(
    ada: Browser, device: Authenticator, path: str, form: dict[str, Any]
) -> None:
    await add(ada, device)
    passkey = await answer_of(ada, device, "/account/passkeys/proof")

    changed = await ada.post(f"/account/{path}", data={**form, "passkey": passkey})

    assert changed.status_code == 303


async def test_an_api_without_passkeys_leaves_the_rest_of_the_account(ada: Browser, apis: FakeApis) -> None:
    apis.without_passkeys = True

    shown = await ada.get("/account")

    assert shown.status_code == 200
    assert "Passkeys" not in page(shown).text
    assert "Change password" in page(shown).text
    refused = await ada.post("/auth/signin/passkey/options")
    assert (refused.status_code, refused.text.partition(".")[0]) == (503, "We can't do this right now")


@pytest.mark.parametrize("path", ["/account/passkeys/options", "/account/passkeys/proof"])
async def test_a_visitor_gets_no_options_of_an_account(browser: Browser, path: str) -> None:
    assert (await browser.post(path)).status_code != 200


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/auth/signin/passkey", "/auth/signin"),
        ("/account/passkeys", "/account"),
        ("/account/passkeys/65f0/name", "/account"),
        ("/account/passkeys/65f0/removal", "/account"),
    ],
)
async def test_the_address_of_a_refused_form_leads_to_its_page(
    browser: Browser, path: str, target: str
) -> None:
    """So does the switch of the language, which comes back to that address."""
    assert (await browser.get(path)).headers["location"] == target


@pytest.mark.parametrize("passkey_id", ["x", "..%2Fsignout", "65f0"])
async def test_an_id_that_is_none_becomes_no_part_of_an_address(
    ada: Browser, apis: FakeApis, passkey_id: str
) -> None:
    seen = len(apis.seen)

    assert (await ada.post(f"/account/passkeys/{passkey_id}/removal")).status_code == 404
    assert not [each for each in apis.seen[seen:] if "passkeys" in each.url.path]
