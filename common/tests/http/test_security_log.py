"""What the security log says of requests: each event once, with who, from where and what; nothing secret."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import jwt
import pytest
from fastapi import APIRouter, FastAPI

from common.base.errors import BadRequest, NotAuthorized, NotFound, TooManyTries
from common.base.security import SecurityEvent
from common.http import security_notes
from common.http.app import create_http_app
from common.http.client_address import HEADER, SignedClientAddress
from common.http.security_log import SecurityLog
from common.http.session import MaybeUser, SignedIn
from common.testing.browser import BASE_URL, SESSIONS, a_user, no_lifespan, signed_in
from common.testing.security import SecurityLines

ADDRESS = "203.0.113.9"
SECRET = "s3cret-of-the-test"
FORGERS_KEY = "a key of nobody here, of more than thirty-two bytes"
USER = a_user()


class Full(TooManyTries):
    code = "too-many-records"


class Forged(BadRequest):
    code = "signature-wrong"


def an_app() -> FastAPI:
    router = APIRouter(prefix="/records")

    @router.get("/mine/{record}")
    async def mine(user: SignedIn, record: str) -> str:
        if record == "others":
            raise NotAuthorized()
        if record == "missing":
            raise NotFound()
        return user.id

    @router.get("/public/{record}")
    async def public(user: MaybeUser, record: str) -> str:  # noqa: ARG001  # asked for by the session
        raise NotFound()

    @router.post("/{kind}")
    async def create(kind: str) -> None:
        raise {"tries": TooManyTries(9), "full": Full(9), "forged": Forged(), "bad": BadRequest()}[kind]

    log = SecurityLog({Forged.code: SecurityEvent.WEBHOOK_REFUSED})
    app = create_http_app("records", [router], no_lifespan, {}, security_log=log)
    app.state.sessions = SESSIONS
    return app


@pytest.fixture
def app() -> FastAPI:
    return an_app()


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(ADDRESS, 50_000))
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
        yield client


def a_token(**claims: object) -> str:
    """Of somebody who has a key of his own."""
    soon = datetime.now(UTC) + timedelta(hours=1)
    return jwt.encode({"sub": USER.id, "iat": soon, "exp": soon, **claims}, FORGERS_KEY, "HS256")


def cookie(token: str) -> dict[str, str]:
    return {"Cookie": f"{SESSIONS.cookie}={token}"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "event", "code", "route"),
    [
        ("GET", "/records/mine/a", {}, "authz_fail", "not-authorized", "/records/mine/{record}"),
        ("GET", "/records/mine/others", signed_in(USER), "authz_fail", "not-authorized", None),
        ("GET", "/records/mine/missing", signed_in(USER), "authz_fail", "not-found", None),
        ("POST", "/records/tries", {}, "excess_rate_limit_exceeded", "too-many-tries", "/records/{kind}"),
        ("POST", "/records/full", signed_in(USER), "excess_limit_met", "too-many-records", None),
        ("POST", "/records/forged", {}, "webhook_signature_fail", "signature-wrong", None),
        (
            "POST",
            "/records/bad",
            {"Sec-Fetch-Site": "same-site"},
            "malicious_cors",
            "cross-site",
            "unmatched",
        ),
        (
            "POST",
            "/records/bad",
            {"Origin": "https://evil.test"},
            "malicious_cors",
            "cross-site",
            "unmatched",
        ),
    ],
)
async def test_a_refusal_is_one_line(
    client: httpx.AsyncClient,
    security_lines: SecurityLines,
    method: str,
    path: str,
    headers: dict[str, str],
    event: str,
    code: str,
    route: str | None,
) -> None:
    answer = await client.request(method, f"{path}?q={SECRET}", headers=headers)

    (line,) = security_lines.lines
    assert (line["event"], line["code"], line["level"]) == (event, code, "warning")
    assert (line["client_address"], line["method"], line["status"]) == (ADDRESS, method, answer.status_code)
    assert line["request_id"] == answer.headers["x-request-id"]
    assert line["user_id"] == (USER.id if "Cookie" in headers else None)
    assert route in (None, line["route"])
    assert SECRET not in security_lines.texts[0]


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/records/mine/a", signed_in()),
        ("GET", "/records/public/a", signed_in()),
        ("GET", "/records/public/a", {}),
        ("GET", "/nowhere", signed_in()),
        ("PATCH", "/records/bad", {}),
        ("POST", "/records/bad", {}),
        ("POST", "/records/bad", {"Content-Length": "999999999"}),
        ("GET", "/records/public/a", cookie(a_token(exp=1))),
        ("GET", "/records/public/a", {"Cookie": "another=cookie"}),
    ],
)
async def test_what_is_no_attack_is_no_line(
    client: httpx.AsyncClient,
    security_lines: SecurityLines,
    method: str,
    path: str,
    headers: dict[str, str],
) -> None:
    await client.request(method, path, headers=headers)

    assert security_lines.lines == []


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "a.b.c",
        "x" * 5_000,
        a_token(),
        a_token(exp="never"),
        a_token(exp=10**400),
        jwt.encode({"sub": USER.id}, FORGERS_KEY, "HS256"),
        signed_in(USER)["Cookie"].partition("=")[2][:-4] + "AAAA",
    ],
)
async def test_a_session_that_is_not_genuine_is_one_line_and_an_anonymous_request(
    client: httpx.AsyncClient, security_lines: SecurityLines, token: str
) -> None:
    answer = await client.get("/records/public/a", headers=cookie(token))

    assert answer.status_code == 404
    (line,) = security_lines.lines
    assert (line["event"], line["user_id"], line["status"]) == ("authn_token_invalid", None, 404)
    assert token not in security_lines.texts[0]


async def test_an_expired_session_is_refused_what_is_private_and_no_forgery(
    client: httpx.AsyncClient, security_lines: SecurityLines
) -> None:
    await client.get("/records/mine/a", headers=cookie(a_token(exp=1)))

    assert security_lines.events == ["authz_fail"]


async def test_the_signed_address_of_the_browser_counts(
    app: FastAPI, client: httpx.AsyncClient, security_lines: SecurityLines
) -> None:
    app.state.signed_address = SignedClientAddress(FORGERS_KEY)
    for token in (app.state.signed_address.token("2001:db8::9"), "forged"):
        await client.get("/records/mine/a", headers={HEADER: token})

    assert [line["client_address"] for line in security_lines.lines] == ["2001:db8::9", ADDRESS]


async def test_a_client_without_an_ip_address_is_unknown(app: FastAPI, security_lines: SecurityLines) -> None:
    transport = httpx.ASGITransport(app, client=("<script>", 1))
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
        await client.get("/records/mine/a")

    assert [line["client_address"] for line in security_lines.lines] == ["unknown"]


def test_a_refusal_that_is_no_event_adds_no_line_to_that_of_another(security_lines: SecurityLines) -> None:
    scope = {"type": "http", "method": "GET", "headers": [], "app": FastAPI()}
    security_notes.note(scope, SecurityEvent.TOKEN_INVALID)
    security_notes.notes(scope).refusal = NotFound()

    SecurityLog({}).write(scope, 404)

    (line,) = security_lines.lines
    assert (line["event"], line["user_id"], line["route"]) == ("authn_token_invalid", None, "unmatched")


def test_the_user_of_a_line_is_the_one_that_a_handler_names() -> None:
    scope: dict[str, object] = {}
    security_notes.about(scope, user_id="u1", email_hash="e1")
    security_notes.about(scope, user_id="u2")

    assert security_notes.notes(scope).about == {"user_id": "u2", "email_hash": "e1"}
