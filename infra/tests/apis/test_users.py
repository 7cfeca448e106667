"""Sign-up, sign-in and sign-out, over the auth service and over client's fake of it."""

from http.cookies import SimpleCookie

import pytest
from tests.apis.shop import Shop

from common.base.ids import is_id
from common.testing.browser import SESSIONS

PASSWORD = "a long password"
BAD_EMAIL = ("email-invalid", "Email must be valid", "email")
BAD_PASSWORD = ("password-invalid", "Password must be 8 to 128 characters", "password")
BAD_LINK = ("link-invalid", "This link was used before, was replaced by a newer one, or is too old", None)
UNKNOWN = ("invalid-credentials", "Invalid credentials", None)


def session_of(cookies: list[str]) -> tuple[str, dict[str, str]]:
    """Value and attributes of the session's cookie."""
    (text,) = [one for one in cookies if one.startswith(SESSIONS.cookie)]
    cookie = SimpleCookie(text)[SESSIONS.cookie]
    return cookie.value, {name: value for name, value in cookie.items() if value}


async def test_a_sign_up_starts_a_session(shop: Shop) -> None:
    cookies = await shop.visitors.signup("Ada@Example.test", PASSWORD)

    user = shop.json(201)
    assert set(user) == {"id", "email"}
    assert is_id(user["id"])
    assert user["email"] == "Ada@Example.test"
    token, attributes = session_of(list(cookies))
    session = SESSIONS.read(token)
    assert session is not None
    assert session.id == user["id"]
    assert session.session_id != ""
    assert attributes == {"path": "/", "httponly": True, "samesite": "lax", "max-age": "1209600"}


async def test_a_session_knows_the_address_of_its_user(shop: Shop) -> None:
    cookies = await shop.visitors.signup("Ada@Example.test", PASSWORD)
    user = SESSIONS.read(session_of(list(cookies))[0])
    assert user is not None

    assert await shop.api(user).email() == "Ada@Example.test"
    fresh = {"confirmed": False, "bounced": False, "language": "en", "notices": True}
    assert shop.json(200) == {"currentUser": {"id": user.id, "email": "Ada@Example.test", **fresh}}
    for visitor in (shop.visitors, shop.buyers):
        assert await visitor.email() == ""
        assert shop.json(200) == {"currentUser": None}


async def test_a_sign_in_starts_a_session_whatever_the_case_of_the_email(shop: Shop) -> None:
    await shop.visitors.signup("Ada@Example.test", PASSWORD)
    user = shop.json(201)

    cookies = await shop.visitors.signin(" ada@example.test", PASSWORD)

    assert shop.json(200) == user
    session = SESSIONS.read(session_of(list(cookies))[0])
    assert session is not None
    assert session.id == user["id"]


async def test_a_sign_up_and_a_sign_in_make_the_device_known(shop: Shop) -> None:
    for cookies in (
        await shop.visitors.signup("Ada@Example.test", PASSWORD),
        await shop.visitors.signin("ada@example.test", PASSWORD),
    ):
        (device,) = [one for one in cookies if one.startswith("device=")]
        assert {"HttpOnly", "Path=/", "SameSite=lax", "Max-Age=34560000"} <= set(device.split("; "))


async def test_a_sign_out_ends_the_session(shop: Shop) -> None:
    cookies = await shop.visitors.signout()

    assert shop.json(200) == {}
    token, attributes = session_of(list(cookies))
    assert token == ""
    assert (attributes["path"], attributes["max-age"]) == ("/", "0")


@pytest.mark.parametrize(
    ("email", "password", "entries"),
    [
        ("ada", PASSWORD, [BAD_EMAIL]),
        ("ada@example.test", "x" * 7, [BAD_PASSWORD]),
        ("ada@example.test", "x" * 129, [BAD_PASSWORD]),
        ("", "", [BAD_EMAIL, BAD_PASSWORD]),
    ],
)
async def test_a_sign_up_is_refused_by_field(
    shop: Shop, email: str, password: str, entries: list[tuple[str, str, str | None]]
) -> None:
    with shop.refuses(400, *entries):
        await shop.visitors.signup(email, password)


async def test_an_email_signs_up_once(shop: Shop) -> None:
    await shop.visitors.signup("ada@example.test", PASSWORD)

    with shop.refuses(400, ("email-in-use", "Email in use", "email")):
        await shop.visitors.signup("ADA@example.test", PASSWORD)


@pytest.mark.parametrize(
    ("email", "password", "entries"),
    [
        ("ada@example.test", "another password", [UNKNOWN]),
        ("bob@example.test", PASSWORD, [UNKNOWN]),
        ("ada", PASSWORD, [BAD_EMAIL]),
        ("ada@example.test", "", [("password-required", "You must supply a password", "password")]),
    ],
)
async def test_a_sign_in_is_refused(
    shop: Shop, email: str, password: str, entries: list[tuple[str, str, str | None]]
) -> None:
    await shop.visitors.signup("ada@example.test", PASSWORD)

    with shop.refuses(400, *entries):
        await shop.visitors.signin(email, password)


@pytest.mark.parametrize("token", ["", "x", "x" * 43])
async def test_a_link_that_is_not_good_is_refused(shop: Shop, token: str) -> None:
    with shop.refuses(400, BAD_LINK):
        await shop.visitors.confirm_email(token)
    with shop.refuses(400, BAD_LINK):
        await shop.visitors.reset_password(token, PASSWORD)


async def test_a_link_to_reset_a_password_is_asked_for_by_any_address(shop: Shop) -> None:
    await shop.visitors.signup("ada@example.test", PASSWORD)

    for email in ("ada@example.test", "nobody@example.test"):
        await shop.visitors.request_reset(email)
        assert shop.json(202) == {}
    with shop.refuses(400, BAD_EMAIL):
        await shop.visitors.request_reset("ada")


async def test_a_user_changes_password_and_address_with_the_password(shop: Shop) -> None:
    cookies = await shop.visitors.signup("ada@example.test", PASSWORD)
    user = SESSIONS.read(session_of(list(cookies))[0])
    ada = shop.api(user)

    with shop.refuses(400, ("password-wrong", "That is not your password", "current")):
        await ada.change_password("a wrong one", "another password")
    with shop.refuses(400, BAD_PASSWORD):
        await ada.change_password(PASSWORD, "x")
    with shop.refuses(400, ("password-wrong", "That is not your password", "password")):
        await ada.change_email("ada@work.test", "a wrong one")
    with shop.refuses(400, BAD_EMAIL):
        await ada.change_email("ada", PASSWORD)
    await ada.change_email("ada@work.test", PASSWORD)
    assert shop.json(202) == {}
    await ada.request_confirmation()
    assert shop.json(202) == {}
    await ada.change_password(PASSWORD, "another password")
    await shop.visitors.signin("ada@example.test", "another password")


async def test_a_visitor_has_no_account_to_change(shop: Shop) -> None:
    for change in (
        shop.visitors.change_password(PASSWORD, PASSWORD),
        shop.visitors.change_email("ada@work.test", PASSWORD),
        shop.visitors.request_confirmation(),
    ):
        with shop.refuses(401, ("not-authorized", "Not authorized", None)):
            await change


async def test_a_user_chooses_the_mails(shop: Shop) -> None:
    user = SESSIONS.read(session_of(list(await shop.visitors.signup("Ada@Example.test", PASSWORD)))[0])
    assert user is not None

    await shop.api(user).choose_mails("zh", notices=False)

    await shop.api(user).email()
    shown = shop.json(200)["currentUser"]
    assert (shown["language"], shown["notices"]) == ("zh", False)


async def test_a_link_that_is_not_ours_turns_no_mails_off(shop: Shop) -> None:
    with shop.refuses(400, BAD_LINK):
        await shop.visitors.unsubscribe("not-ours")


async def test_a_user_deletes_the_account_with_the_password(shop: Shop) -> None:
    user = SESSIONS.read(session_of(list(await shop.visitors.signup("ada@example.test", PASSWORD)))[0])
    ada = shop.api(user)

    with shop.refuses(400, ("password-wrong", "That is not your password", "password")):
        await ada.delete_account("a wrong one")
    with shop.refuses(400, ("password-required", "You must supply a password", "password")):
        await ada.delete_account("")
    cookies = await ada.delete_account(PASSWORD)

    assert shop.json(202) == {}
    token, attributes = session_of(list(cookies))
    assert (token, attributes["max-age"]) == ("", "0")
    with shop.refuses(400, UNKNOWN):
        await shop.visitors.signin("ada@example.test", PASSWORD)
    await shop.visitors.signup("ADA@example.test", PASSWORD)
    assert shop.json(201)["email"] == "ADA@example.test"


async def test_a_visitor_has_no_account_to_delete(shop: Shop) -> None:
    with shop.refuses(401, ("not-authorized", "Not authorized", None)):
        await shop.visitors.delete_account(PASSWORD)
