"""Error answers: no input causes a 500, and every refusal has the same shape."""

from collections.abc import AsyncIterator
from unittest.mock import Mock

import httpx
import pytest

from auth.app import create_app
from auth.settings import Settings
from common.persistence.mongo import connect
from common.testing import hostile
from common.testing.answers import message_of
from common.testing.browser import BASE_URL
from common.testing.fake_stream import FakeStream

SIGN_UP, SIGN_IN = WRITES = ("/api/users/signup", "/api/users/signin")
MESSAGES = {
    "Email must be valid",
    "Password must be 8 to 128 characters",
    "You must supply a password",
    "Invalid credentials",
    # Refused by the parser: lone surrogates, NaN, numbers of thousands of digits.
    "The body must be a JSON object",
}
DIGITS = '"' + "9" * 30 + '"'
LITERALS = (*hostile.LITERALS, '"{}"'.format("\u0301\u0316" * 40_000))
"""Hostile literals, and combining marks whose normalisation takes quadratic time in their number."""


@pytest.mark.parametrize("path", ["/", "/api/users", "/api/users/", "/api/users/signup/", "/api/users/nope"])
async def test_an_unknown_route_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)

    assert message_of(answer, 404) == "Not found"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "signup"), ("PUT", "signin"), ("GET", "signout"), ("POST", "currentuser"), ("DELETE", "signup")],
)
async def test_a_wrong_method_is_refused(client: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await client.request(method, f"/api/users/{path}")

    assert message_of(answer, 405) == "Method not allowed"
    assert answer.headers["allow"]


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize("body", hostile.BODIES, ids=range(len(hostile.BODIES)))
async def test_a_body_that_is_no_object_is_refused(
    client: httpx.AsyncClient, hasher: Mock, path: str, body: bytes
) -> None:
    answer = await client.post(path, content=body, headers=hostile.JSON)

    assert message_of(answer, 400) == "The body must be a JSON object"
    assert not hasher.method_calls


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize("literal", LITERALS, ids=range(len(LITERALS)))
@pytest.mark.parametrize("field", ["email", "password"])
async def test_a_strange_value_is_refused(
    client: httpx.AsyncClient, path: str, field: str, literal: str
) -> None:
    values = {"email": '"ada@example.test"', "password": '"correct horse"', field: literal}
    body = ", ".join(f'"{name}": {value}' for name, value in values.items())

    answer = await client.post(path, content=f"{{{body}}}".encode(), headers=hostile.JSON)

    if (path, field, literal) == (SIGN_UP, "password", DIGITS):
        assert answer.status_code == 201
    else:
        assert message_of(answer, 400) in MESSAGES


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize("field", ["_id", "isAdmin", "$where", "password_hash", "__proto__", ""])
async def test_an_unknown_field_is_named(client: httpx.AsyncClient, path: str, field: str) -> None:
    body = {"email": "ada@example.test", "password": "correct horse", field: 1}

    answer = await client.post(path, json=body)

    assert answer.status_code == 400
    assert answer.json() == {
        "errors": [{"code": "unknown-field", "message": "Unknown field", "field": field}]
    }


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize(
    "headers", [{}, {"Content-Type": ""}, {"Content-Type": "text/plain"}, {"Content-Type": "a;b;c"}]
)
async def test_a_body_of_another_type_is_refused(
    client: httpx.AsyncClient, path: str, headers: dict[str, str]
) -> None:
    answer = await client.post(path, content=b'{"email": "ada@example.test"}', headers=headers)

    assert message_of(answer, 400) == "Content-Type must be application/json"


async def test_the_type_of_a_body_may_name_its_charset(client: httpx.AsyncClient) -> None:
    body = b'{"email": "ada@example.test", "password": "correct horse"}'
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}

    assert (await client.post(WRITES[0], content=body, headers=headers)).status_code == 201


@pytest.mark.parametrize("path", WRITES)
async def test_a_large_body_is_refused(client: httpx.AsyncClient, path: str) -> None:
    body = {"email": "ada@example.test", "password": "x" * 1_000_000}

    answer = await client.post(path, json=body)

    assert message_of(answer, 413) == "Body too large"


@pytest.mark.parametrize("path", WRITES)
async def test_a_large_body_of_unknown_length_is_refused(client: httpx.AsyncClient, path: str) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 10_000

    answer = await client.post(path, content=body(), headers=hostile.JSON)

    assert message_of(answer, 413) == "Body too large"


@pytest.mark.parametrize("path", WRITES)
async def test_a_database_that_is_down_is_reported(settings: Settings, hasher: Mock, path: str) -> None:
    nowhere = connect("mongodb://127.0.0.1:1/", "auth", wait_seconds=0.02)
    transport = httpx.ASGITransport(
        create_app(settings, stream=FakeStream(), database=nowhere, hasher=hasher)
    )
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
        answer = await client.post(path, json={"email": "ada@example.test", "password": "correct horse"})
        ready = await client.get("/readyz")
        alive = await client.get("/healthz")
    await nowhere.close()

    assert message_of(answer, 503) == "Service unavailable"
    assert (ready.status_code, alive.status_code) == (503, 200)
