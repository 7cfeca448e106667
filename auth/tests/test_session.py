"""Session cookie: start, read, refusal, end."""

import base64
import json
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import httpx
import jwt
import pytest

from auth.app import create_app
from auth.settings import Settings
from common.base import times
from common.http.session import Sessions
from common.persistence.mongo import Database
from common.testing.browser import BASE_URL, JWT_KEY, SESSIONS, a_user, running, signed_in

CURRENT = "/api/users/currentuser"
ADA = {"email": "ada@example.test", "password": "correct horse"}


def _claims(**changed: Any) -> dict[str, Any]:
    now = times.now()
    return {"sub": "u", "email": "a@x.test", "iat": now, "exp": now + timedelta(hours=1)} | changed


def _unsigned() -> str:
    def part(data: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")

    header = {"alg": "none", "typ": "JWT"}
    return f"{part(header)}.{part({'sub': 'u', 'email': 'a@x.test', 'iat': 1, 'exp': 9_999_999_999})}."


def _tampered() -> str:
    header, _, signature = SESSIONS.token(a_user()).split(".")
    _, claims, _ = SESSIONS.token(a_user("eve@example.test")).split(".")
    return f"{header}.{claims}.{signature}"


def _without(claim: str) -> str:
    return jwt.encode({k: v for k, v in _claims().items() if k != claim}, JWT_KEY)


async def test_without_a_cookie_there_is_no_current_user(client: httpx.AsyncClient) -> None:
    answer = await client.get(CURRENT)

    assert answer.status_code == 200
    assert answer.json() == {"currentUser": None}
    assert answer.headers["cache-control"] == "no-store"


async def test_a_signed_in_user_is_the_current_user(client: httpx.AsyncClient) -> None:
    user = a_user()
    answer = await client.get(CURRENT, headers=signed_in(user))

    assert answer.status_code == 200
    assert answer.json() == {"currentUser": {"id": user.id, "email": user.email}}


async def test_a_new_user_is_signed_in_until_the_sign_out(client: httpx.AsyncClient) -> None:
    user = (await client.post("/api/users/signup", json=ADA)).json()
    assert (await client.get(CURRENT)).json() == {"currentUser": user}

    assert (await client.post("/api/users/signout")).status_code == 200
    assert (await client.get(CURRENT)).json() == {"currentUser": None}


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="empty"),
        pytest.param("not.a.token", id="garbage"),
        pytest.param("%00%ff;", id="not even text"),
        pytest.param("x" * 8000, id="long"),
        pytest.param(_unsigned(), id="alg none"),
        pytest.param(_tampered(), id="claims of another"),
        pytest.param(SESSIONS.token(a_user())[:-3], id="cut"),
        pytest.param(jwt.encode(_claims(), "another key, of more than thirty-two bytes"), id="another key"),
        pytest.param(jwt.encode(_claims(), JWT_KEY * 2, algorithm="HS512"), id="another algorithm"),
        pytest.param(jwt.encode(_claims(exp=times.now() - timedelta(seconds=1)), JWT_KEY), id="expired"),
        pytest.param(jwt.encode(_claims(sub=7), JWT_KEY), id="a number for a subject"),
        *(pytest.param(_without(claim), id=f"no {claim}") for claim in ("sub", "email", "iat", "exp")),
    ],
)
async def test_an_invalid_token_gives_no_current_user(client: httpx.AsyncClient, token: str) -> None:
    answer = await client.get(CURRENT, headers={"Cookie": f"session={token}"})

    assert answer.status_code == 200
    assert answer.json() == {"currentUser": None}


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/plain"}, signed_in()])
async def test_every_sign_out_clears_the_cookie(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await client.post("/api/users/signout", headers=headers)

    assert answer.status_code == 200
    assert answer.json() == {}
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith('session="";')
    assert "Max-Age=0" in cookie
    assert "Path=/" in cookie


async def test_over_http_the_cookie_is_http_only_lax_and_not_secure(client: httpx.AsyncClient) -> None:
    name, attributes = _cookie(await client.post("/api/users/signup", json=ADA))

    assert name == "session"
    assert attributes == {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=1209600"}


async def test_over_https_the_cookie_is_secure_and_tied_to_its_host(
    settings: Settings, database: Database, hasher: Mock
) -> None:
    secure = settings.model_copy(update={"cookie_secure": True})
    async with running(create_app(secure, database=database, hasher=hasher)) as client:
        answer = await client.post("/api/users/signup", json=ADA)
        token = Sessions(JWT_KEY, secure=True).token(a_user())
        plain = await client.get(CURRENT, headers={"Cookie": f"session={token}"})
        tied = await client.get(CURRENT, headers={"Cookie": f"__Host-session={token}"})
        ended, cleared = _cookie(await client.post("/api/users/signout"))

    name, attributes = _cookie(answer)
    # The prefix `__Host-` requires Secure, Path=/ and no Domain.
    assert name == ended == "__Host-session"
    assert attributes == {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=1209600", "Secure"}
    assert {"Path=/", "Secure", "Max-Age=0"} <= cleared
    assert plain.json() == {"currentUser": None}
    assert tied.json()["currentUser"] is not None


def _cookie(answer: httpx.Response) -> tuple[str, set[str]]:
    """Name and attributes of the session cookie that an answer sets, without `expires`, which is a time."""
    (header,) = [line for line in answer.headers.get_list("set-cookie") if "session" in line]
    pair, *attributes = header.split("; ")
    return pair.partition("=")[0], {a for a in attributes if not a.startswith("expires")}


@pytest.mark.parametrize("path", ["signup", "signin", "signout"])
@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.test"}, {"Origin": "null"}],
)
async def test_a_write_from_another_site_is_refused(
    client: httpx.AsyncClient, hasher: Mock, path: str, headers: dict[str, str]
) -> None:
    answer = await client.post(f"/api/users/{path}", json=ADA, headers=headers)

    assert answer.status_code == 403
    assert answer.json() == {
        "errors": [{"code": "cross-site", "message": "Cross-site requests are not allowed"}]
    }
    assert "set-cookie" not in answer.headers
    assert not hasher.method_calls


async def test_a_same_origin_write_passes(client: httpx.AsyncClient) -> None:
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": BASE_URL}

    assert (await client.post("/api/users/signup", json=ADA, headers=headers)).status_code == 201
