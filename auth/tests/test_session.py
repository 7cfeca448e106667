"""Session cookie: start, read, refusal, end."""

from unittest.mock import Mock

import httpx
import jwt
import pytest

from auth.app import create_app
from auth.settings import Settings
from common.base.identity import CurrentUser
from common.http.session_keys import PrivateKey
from common.persistence.mongo import Database
from common.testing.browser import (
    BASE_URL,
    CLIENT_ADDRESS_KEY,
    JWT_KEY,
    JWT_PUBLIC_KEYS,
    PRIVATE_KEY,
    SESSIONS,
    a_user,
    running,
    signed_in,
)
from common.testing.fake_stream import FakeStream

KEYS = {
    "nats_url": "nats://unused.test",
    "mongo_uri": "mongodb://unused.test/",
    "client_address_key": CLIENT_ADDRESS_KEY,
    "device_key": "d" * 32,
    "public_url": BASE_URL,
    "mail_url": "smtp://127.0.0.1:1",
    "mail_from": "tickets@gittix.test",
    "cookie_secure": False,
}
CURRENT = "/api/users/currentuser"
ADA = {"email": "ada@example.test", "password": "correct horse"}


FRESH = {"confirmed": False, "bounced": False, "language": "en", "notices": True}


async def signed_up(client: httpx.AsyncClient) -> dict[str, str]:
    user: dict[str, str] = (await client.post("/api/users/signup", json=ADA)).json()
    client.cookies.clear()
    return user


async def test_without_a_cookie_there_is_no_current_user(client: httpx.AsyncClient) -> None:
    answer = await client.get(CURRENT)

    assert answer.status_code == 200
    assert answer.json() == {"currentUser": None}
    assert answer.headers["cache-control"] == "no-store"


async def test_a_signed_in_user_is_the_current_user(client: httpx.AsyncClient) -> None:
    user = await signed_up(client)
    answer = await client.get(CURRENT, headers=signed_in(CurrentUser(user["id"])))

    assert answer.status_code == 200
    assert answer.json() == {"currentUser": {**user, **FRESH}}


async def test_a_session_of_a_user_who_is_no_more_is_nobodys(client: httpx.AsyncClient) -> None:
    assert (await client.get(CURRENT, headers=signed_in())).json() == {"currentUser": None}


async def test_a_new_user_is_signed_in_until_the_sign_out(client: httpx.AsyncClient) -> None:
    user = (await client.post("/api/users/signup", json=ADA)).json()
    assert (await client.get(CURRENT)).json() == {"currentUser": {**user, **FRESH}}

    assert (await client.post("/api/users/signout")).status_code == 200
    assert (await client.get(CURRENT)).json() == {"currentUser": None}


@pytest.mark.parametrize(
    "token",
    [
        *("", "not.a.token", "%00%ff;", "x" * 8000),
        SESSIONS.token(a_user())[:-3],
    ],
    ids=["empty", "garbage", "not even text", "long", "cut"],
)
async def test_an_invalid_token_gives_no_current_user(client: httpx.AsyncClient, token: str) -> None:
    answer = await client.get(CURRENT, headers={"Cookie": f"session={token}"})

    assert answer.status_code == 200
    assert answer.json() == {"currentUser": None}


NEXT = PrivateKey.generate()
STEPS: list[dict[str, str]] = [
    {"jwt_key": JWT_KEY, "jwt_public_keys": NEXT.public.text},
    {"jwt_key": NEXT.text, "jwt_public_keys": JWT_PUBLIC_KEYS},
    {"jwt_key": NEXT.text},
]


async def test_no_step_of_a_rotation_ends_a_session_before_its_time(database: Database, hasher: Mock) -> None:
    begun: list[str] = []
    for number, keys in enumerate(STEPS):
        settings = Settings.model_validate({**KEYS, **keys})
        async with running(
            create_app(settings, stream=FakeStream(), database=database, hasher=hasher)
        ) as client:
            user = {"email": f"step-{number}@example.test", "password": "correct horse"}
            await client.post("/api/users/signup", json=user)
            begun.append(client.cookies["session"])
            client.cookies.clear()
            read = [
                (await client.get(CURRENT, headers={"Cookie": f"session={token}"})).json() for token in begun
            ]
            good = [number for number, answer in enumerate(read) if answer["currentUser"] is not None]
            assert good == ([0, 1][: number + 1] if number < 2 else [1, 2])
    signed_by = [jwt.get_unverified_header(token).get("kid") for token in begun]
    assert signed_by == [PRIVATE_KEY.public.id, NEXT.public.id, NEXT.public.id]


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


async def test_over_https_the_cookie_is_secure_and_tied_to_its_host(database: Database, hasher: Mock) -> None:
    settings = Settings.model_validate({**KEYS, "jwt_key": JWT_KEY, "cookie_secure": True})
    async with running(create_app(settings, stream=FakeStream(), database=database, hasher=hasher)) as client:
        answer = await client.post("/api/users/signup", json=ADA)
        token = SESSIONS.token(CurrentUser(answer.json()["id"]))
        client.cookies.clear()
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
