"""What each answer carries: HEAD, `Allow`, and the headers of an API."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import StreamingResponse
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from common.http.app import create_http_app
from common.http.head import HeadMiddleware
from common.testing.answers import code_of
from common.testing.browser import BASE_URL, no_lifespan
from tests.serving import served

PROTECTED = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


def an_app() -> FastAPI:
    router = APIRouter()

    @router.get("/records")
    @router.put("/records")
    async def records() -> list[int]:
        return [1, 2, 3]

    @router.post("/records")
    async def create() -> Response:
        return Response(status_code=201)

    @router.delete("/records/{record}")
    async def delete(record: str) -> Response:
        return Response(record, headers={"Cache-Control": "public, max-age=60"})

    @router.get("/fault")
    async def fault() -> None:
        raise ZeroDivisionError

    @router.get("/endless")
    async def endless() -> StreamingResponse:
        async def parts() -> AsyncIterator[str]:
            while True:
                yield "part\n"
                await asyncio.sleep(0.001)

        return StreamingResponse(parts())

    async def read_only(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise HTTPException(405, headers={"Allow": "GET"})

    router.mount("/mounted", read_only)
    return create_http_app("records", [router], no_lifespan, {})


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(an_app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "status"),
    [("/records", 200), ("/healthz", 200), ("/nowhere", 404), ("/records/1", 405), ("/fault", 500)],
)
async def test_head_is_answered_as_get_without_the_body(
    client: httpx.AsyncClient, path: str, status: int
) -> None:
    got, head = await client.get(path), await client.head(path)

    assert (head.status_code, got.status_code) == (status, status)
    assert head.content == b""
    assert head.headers["content-length"] == got.headers["content-length"] != "0"


async def test_head_of_an_answer_without_an_end_has_one() -> None:
    async with served(an_app()) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        assert (await client.head("/endless")).status_code == 200
        assert (await client.head("/records")).status_code == 200


async def test_head_of_an_answer_in_parts_ends_once_and_without_a_body() -> None:
    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        assert scope["method"] == "GET"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for more in (True, True, False):
            await send({"type": "http.response.body", "body": b"part", "more_body": more})

    async def receive() -> Message:
        raise AssertionError

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await HeadMiddleware(app)({"type": "http", "method": "HEAD"}, receive, send)

    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert (sent[1].get("body", b""), sent[1].get("more_body", False)) == (b"", False)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/records", "GET, HEAD, POST, PUT"),
        ("/records/1", "DELETE"),
        ("/healthz", "GET, HEAD"),
        ("/mounted/part", "GET"),
    ],
)
async def test_a_wrong_method_is_told_every_right_one(
    client: httpx.AsyncClient, path: str, allowed: str
) -> None:
    answer = await client.patch(path)

    assert code_of(answer, 405) == "method-not-allowed"
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("path", ["/records", "/records/1", "/nowhere", "/fault", "/healthz"])
async def test_every_answer_of_an_api_is_data_for_its_own_site_alone(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.get(path)

    assert PROTECTED.items() <= answer.headers.items()


async def test_a_refusal_of_the_middleware_is_protected_like_the_others(client: httpx.AsyncClient) -> None:
    answer = await client.put("/records", headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403
    assert PROTECTED.items() <= answer.headers.items()


async def test_a_route_may_say_otherwise(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/records/1")

    assert answer.headers.get_list("cache-control") == ["public, max-age=60"]
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_documentation_for_operators_may_load_its_scripts(client: httpx.AsyncClient) -> None:
    answer = await client.get("/docs")

    assert answer.status_code == 200
    assert "content-security-policy" not in answer.headers
