"""A member's account, and the pages of mailed links."""

from dataclasses import replace

import httpx
import pytest
from tests.conftest import As, Browser
from tests.dom import alerts, error_of, page
from tests.fake_apis import FakeApis

from common.testing.browser import SESSIONS, a_user

EMAIL, OLD, NEW = "ada@example.test", "a long password", "another long password"
ADA = {"email": EMAIL, "password": OLD}


@pytest.fixture
async def ada(browser: Browser, apis: FakeApis) -> Browser:
    """Browser of a user who has to confirm the address."""
    apis.must_confirm = True
    await browser.post("/auth/signup", data=ADA)
    await browser.get("/")
    return browser


def link(apis: FakeApis, kind: str) -> str:
    (token,) = [token for token, mailed in apis.links.items() if mailed[0] == kind]
    return token


def may_trade(browser: Browser) -> bool:
    user = SESSIONS.read(browser.cookies[SESSIONS.cookie])
    assert user is not None
    return user.may_trade


async def test_every_page_says_that_the_address_has_to_be_confirmed_until_it_is(
    ada: Browser, apis: FakeApis
) -> None:
    assert "Confirm your e-mail address to sell and buy." in page(await ada.get("/")).text

    answer = await ada.post("/auth/confirm", data={"token": link(apis, "confirm")})

    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    shown = page(await ada.get("/account")).text
    assert "Your e-mail address is confirmed." in shown
    assert "This address is confirmed." in shown
    assert may_trade(ada)
    assert "to sell and buy" not in page(await ada.get("/")).text


@pytest.mark.parametrize(("path", "kind"), [("confirm", "confirm"), ("reset", "reset")])
async def test_opening_a_link_spends_nothing_and_leaves_its_token_nowhere(
    ada: Browser, apis: FakeApis, path: str, kind: str
) -> None:
    await ada.post("/auth/forgot", data={"email": EMAIL})
    token = link(apis, kind)
    asked = len(apis.seen)

    answer = await ada.get(f"/auth/{path}", params={"token": token})

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "strict-origin"
    assert [request.method for request in apis.seen[asked:]] in ([], ["GET"])
    assert link(apis, kind) == token


async def test_a_forgotten_password_is_set_again(browser: Browser, apis: FakeApis) -> None:
    await browser.post("/auth/signup", data=ADA)
    browser.cookies.clear()

    answer = await browser.post("/auth/forgot", data={"email": EMAIL})
    assert (answer.status_code, answer.headers["location"]) == (303, "/auth/signin")
    assert "a mail with a link is on its way" in page(await browser.get("/auth/signin")).text

    answer = await browser.post("/auth/reset", data={"token": link(apis, "reset"), "password": NEW})
    assert (answer.status_code, answer.headers["location"]) == (303, "/auth/signin")
    assert "Your new password is set." in page(await browser.get("/auth/signin")).text
    assert (await browser.post("/auth/signin", data={"email": EMAIL, "password": NEW})).status_code == 303


async def test_an_address_without_an_account_is_told_the_same(browser: Browser, apis: FakeApis) -> None:
    answer = await browser.post("/auth/forgot", data={"email": "nobody@example.test"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/auth/signin")
    assert "a mail with a link is on its way" in page(await browser.get("/auth/signin")).text
    assert apis.links == {}


async def test_a_refused_password_keeps_the_link(browser: Browser, apis: FakeApis) -> None:
    await browser.post("/auth/signup", data=ADA)
    await browser.post("/auth/forgot", data={"email": EMAIL})
    token = link(apis, "reset")

    shown = page(await browser.post("/auth/reset", data={"token": token, "password": "short"}))

    assert error_of(shown, "password") == "Enter a password of 8 to 128 characters"
    assert shown.one("input", name="token")["value"] == token


@pytest.mark.parametrize(
    ("path", "form"),
    [("/auth/confirm", {}), ("/auth/reset", {"password": NEW}), ("/auth/confirm", {"token": ""})],
)
async def test_a_link_that_ended_says_so(browser: Browser, path: str, form: dict[str, str]) -> None:
    answer = await browser.post(path, data={"token": "x"} | form)

    assert answer.status_code == 400
    assert "Ask for a new one" in " ".join(alerts(page(answer)))


async def test_a_user_asks_for_another_link(ada: Browser, apis: FakeApis) -> None:
    before = link(apis, "confirm")

    answer = await ada.post("/account/confirmation")

    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert link(apis, "confirm") != before


async def test_a_user_changes_the_password(ada: Browser) -> None:
    answer = await ada.post("/account/password", data={"current": OLD, "password": NEW})

    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert "Your password is changed." in page(await ada.get("/account")).text


async def test_a_user_changes_the_address_by_a_link_to_the_new_one(ada: Browser, apis: FakeApis) -> None:
    answer = await ada.post("/account/email", data={"email": "ada@work.test", "email_password": OLD})
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert EMAIL in page(await ada.get("/account")).text

    await ada.post("/auth/confirm", data={"token": link(apis, "address-change")})

    assert "ada@work.test" in page(await ada.get("/account")).text


@pytest.mark.parametrize(
    ("path", "form", "field", "message"),
    [
        ("password", {"current": "wrong", "password": NEW}, "current", "This is not your password"),
        (
            "password",
            {"current": OLD, "password": "x"},
            "password",
            "Enter a password of 8 to 128 characters",
        ),
        (
            "email",
            {"email": "a@b.test", "email_password": "x"},
            "email_password",
            "This is not your password",
        ),
        (
            "email",
            {"email": "a", "email_password": OLD},
            "email",
            "Enter an e-mail address such as name@example.com",
        ),
    ],
)
async def test_a_refused_change_says_why_beside_its_field(
    ada: Browser, path: str, form: dict[str, str], field: str, message: str
) -> None:
    answer = await ada.post(f"/account/{path}", data=form)

    assert answer.status_code == 400
    assert error_of(page(answer), field) == message
    assert NEW not in answer.text
    assert OLD not in answer.text


async def test_a_session_learns_on_the_account_page_that_the_address_was_confirmed_elsewhere(
    ada: Browser, apis: FakeApis
) -> None:
    apis.confirmed.update(apis.emails)
    assert not may_trade(ada)

    await ada.get("/account")

    assert may_trade(ada)


@pytest.mark.parametrize("path", ["/account", "/account/password", "/account/email", "/account/confirmation"])
async def test_a_visitor_signs_in_first(browser: Browser, path: str) -> None:
    answer = await (browser.get(path) if path == "/account" else browser.post(path, data={"current": OLD}))

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/auth/signin")


async def test_a_session_without_a_user_is_told_so(as_user: As) -> None:
    browser = as_user(replace(a_user(), may_trade=True))

    assert (await browser.get("/account")).status_code == 401


async def test_a_user_whose_mails_come_back_is_told(ada: Browser, apis: FakeApis) -> None:
    assert "come back" not in page(await ada.get("/account")).text
    apis.bounced.update(apis.emails)

    assert "Our mails to this address come back." in page(await ada.get("/account")).text


@pytest.mark.parametrize("path", ["/auth/signup", "/auth/signin"])
async def test_auth_learns_the_language_of_the_page(browser: Browser, apis: FakeApis, path: str) -> None:
    await browser.post(path, data=ADA, headers={"Accept-Language": "fr, zh-CN;q=0.5"})

    assert apis.seen[-1].headers["accept-language"] == "zh-Hans"


async def test_a_user_chooses_the_language_of_mails_and_turns_notices_off(
    ada: Browser, apis: FakeApis
) -> None:
    answer = await ada.post("/account/mails", data={"mail_language": "zh", "notices": "off"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    shown = page(await ada.get("/account"))
    assert "Your choice of mails is saved." in shown.text
    assert [each["value"] for each in shown.all("option") if "selected" in each] == ["zh", "off"]

    await ada.post("/account/mails", data={"mail_language": "en", "notices": "on"})
    assert apis.quiet == set()


async def test_a_language_that_no_mail_is_in_is_refused(ada: Browser) -> None:
    answer = await ada.post("/account/mails", data={"mail_language": "xx", "notices": "on"})

    assert answer.status_code == 400
    assert alerts(page(answer))


async def test_the_choice_of_mails_is_missing_where_the_api_is_of_a_release_without_it(
    ada: Browser, apis: FakeApis
) -> None:
    older = {"id": "u", "email": EMAIL, "confirmed": True, "bounced": False}
    apis.auth_failure = httpx.Response(200, json={"currentUser": older})

    assert "Mails to you" not in page(await ada.get("/account")).text


async def test_a_link_of_a_mail_turns_notices_off_once_its_button_is_used(
    browser: Browser, apis: FakeApis
) -> None:
    opened = await browser.get("/unsubscribe", params={"token": "ada.proof"})
    assert (opened.status_code, apis.quiet) == (200, set())
    assert opened.headers["cache-control"] == "no-store"
    form = page(opened).one("form", action="/unsubscribe?token=ada.proof")

    done = await browser.post(form["action"])

    assert (done.status_code, apis.quiet) == (200, {"ada"})
    assert "We no longer mail you" in page(done).text


@pytest.mark.parametrize("multipart", [False, True])
async def test_a_mail_program_turns_notices_off_by_one_post_to_the_link(
    apis: FakeApis, browser: Browser, multipart: bool
) -> None:
    """RFC 8058: without cookies, as a form of either type."""
    browser.cookies.clear()
    field = {"List-Unsubscribe": "One-Click"}
    parts = {name: (None, value) for name, value in field.items()}

    answer = await browser.post(
        "/unsubscribe?token=ada.proof",
        data=None if multipart else field,
        files=parts if multipart else None,
    )

    assert (answer.status_code, apis.quiet) == (200, {"ada"})


async def test_a_link_that_is_not_ours_turns_nothing_off(browser: Browser, apis: FakeApis) -> None:
    answer = await browser.post("/unsubscribe?token=ada.forged")

    assert (answer.status_code, apis.quiet) == (400, set())
    assert alerts(page(answer))
