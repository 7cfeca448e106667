"""Sign-ups and sign-ins in the security log."""

from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI
from tests.conftest import SignIn

from auth.domain import Email
from auth.email_hashes import EmailHashes
from common.http.client_address import HEADER
from common.testing.browser import a_user, signed_in
from common.testing.security import SecurityLines

EMAIL, PASSWORD = "Ada.Lovelace@example.test", "a long s3cret password"
ADDRESS = "203.0.113.9"


@pytest.fixture
def email_hash(app: FastAPI) -> str:
    hashes: EmailHashes = app.state.email_hashes
    return hashes.of(Email.parse(EMAIL))


@pytest.fixture(autouse=True)
def secrets_stay_secret(security_lines: SecurityLines) -> Iterator[None]:
    """Of every test here."""
    yield
    for text in security_lines.texts:
        assert not any(secret in text.lower() for secret in ("lovelace", "s3cret", "eyj"))


async def sign_up(client: httpx.AsyncClient, **headers: str) -> httpx.Response:
    body = {"email": EMAIL, "password": PASSWORD}
    return await client.post("/api/users/signup", json=body, headers=headers)


async def test_a_sign_up_and_a_sign_in_name_the_user_and_the_hash_of_the_email(
    client: httpx.AsyncClient, sign_in_from: SignIn, security_lines: SecurityLines, email_hash: str
) -> None:
    user = (await sign_up(client)).json()
    await sign_in_from(ADDRESS, EMAIL.upper(), PASSWORD)

    signed_up, signed_in = security_lines.lines
    assert (signed_up["event"], signed_in["event"]) == ("user_created", "authn_login_success")
    assert signed_up["user_id"] == signed_in["user_id"] == user["id"]
    assert signed_up["email_hash"] == signed_in["email_hash"] == email_hash
    assert (signed_in["client_address"], signed_in["status"], signed_in["level"]) == (ADDRESS, 200, "info")
    assert signed_in["route"] == "/api/users/signin"


@pytest.mark.parametrize("password", ["a wrong s3cret", "s3cret" * 100])
async def test_a_failed_sign_in_is_a_line(
    client: httpx.AsyncClient,
    sign_in_from: SignIn,
    security_lines: SecurityLines,
    email_hash: str,
    password: str,
) -> None:
    await sign_up(client)
    security_lines.texts.clear()

    for email in (EMAIL, "Lovelace@nowhere.test"):
        assert (await sign_in_from(ADDRESS, email, password)).status_code == 400

    known, unknown = security_lines.lines
    assert known["event"] == unknown["event"] == "authn_login_fail"
    assert known["client_address"] == unknown["client_address"] == ADDRESS
    assert known["user_id"] is unknown["user_id"] is None
    if len(password) < 100:
        assert known["email_hash"] == email_hash != unknown["email_hash"]


async def test_a_throttled_sign_in_is_a_line(
    sign_in_from: SignIn, security_lines: SecurityLines, email_hash: str
) -> None:
    while (await sign_in_from(ADDRESS, EMAIL, "a wrong s3cret")).status_code != 429:
        pass

    *failed, throttled = security_lines.lines
    assert {line["event"] for line in failed} == {"authn_login_fail"}
    assert (throttled["event"], throttled["email_hash"]) == ("excess_rate_limit_exceeded", email_hash)


async def test_a_password_that_is_guessed_with_the_key_of_a_sign_up_is_a_failed_sign_in(
    client: httpx.AsyncClient, security_lines: SecurityLines
) -> None:
    await sign_up(client, **{"Idempotency-Key": "k"})
    body = {"email": EMAIL, "password": "a wrong s3cret"}
    await client.post("/api/users/signup", json=body, headers={"Idempotency-Key": "k"})

    assert security_lines.events == ["user_created", "authn_login_fail"]


async def test_the_address_of_a_browser_behind_the_pages_is_written(
    app: FastAPI, client: httpx.AsyncClient, security_lines: SecurityLines
) -> None:
    body = {"email": EMAIL, "password": PASSWORD}
    headers = {HEADER: app.state.signed_address.token("2001:db8::1:2:3:4"), **signed_in(a_user())}
    await client.post("/api/users/signin", json=body, headers=headers)

    (line,) = security_lines.lines
    assert line["client_address"] == "2001:db8::1:2:3:4"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("signup", {"email": EMAIL, "password": "s3cret"}),
        ("signup", {"email": "lovelace", "password": PASSWORD}),
        ("signin", {"email": EMAIL}),
        ("signin", {"email": {"lovelace": "s3cret"}, "password": ["s3cret"]}),
        ("signout", {"lovelace": "s3cret"}),
    ],
)
async def test_a_form_that_is_filled_in_wrongly_is_no_line(
    client: httpx.AsyncClient, security_lines: SecurityLines, path: str, body: object
) -> None:
    await client.post(f"/api/users/{path}", json=body)

    assert security_lines.lines == []


def test_the_hash_of_an_email_depends_on_the_secret_and_not_on_its_case() -> None:
    hashes, others = EmailHashes.derived_from("a secret"), EmailHashes.derived_from("another")
    ada = Email.parse("ada@example.test")

    assert hashes.of(ada) == hashes.of(Email.parse("ADA@Example.test")) != others.of(ada)
    assert len(hashes.of(ada)) == 32
    assert hashes.of(ada) != hashes.of(Email.parse("bob@example.test"))
