"""What each answer carries: HEAD, `Allow`, and the headers of an API."""

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import StreamingResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.http.app import create_http_app
from common.http.cross_site import ANY_SCHEME, Site
from common.http.head import HeadMiddleware
from common.http.middleware import RequestMiddleware
from common.testing.answers import code_of
from common.testing.browser import BASE_URL, no_lifespan
from tests.serving import served

PROTECTED = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


def an_app(site: Site = ANY_SCHEME) -> FastAPI:
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
    return create_http_app("records", [router], no_lifespan, {}, site=site)


def browsing(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=BASE_URL)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with browsing(an_app()) as client:
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


def marking(mark: str) -> Callable[[ASGIApp], ASGIApp]:
    """A layer that adds `mark` to the header `x-layers` of each answer."""

    def layer(app: ASGIApp) -> ASGIApp:
        async def marked(scope: Scope, receive: Receive, send: Send) -> None:
            async def send_marked(message: Message) -> None:
                if message["type"] == "http.response.start":
                    message["headers"].append((b"x-layers", mark.encode()))
                await send(message)

            await app(scope, receive, send_marked)

        return marked

    return layer


async def test_layers_of_an_app_see_its_refusals_too_and_the_first_is_the_innermost() -> None:
    app = create_http_app("layers", [], no_lifespan, {}, layers=[marking("inner"), marking("outer")])
    async with browsing(app) as client:
        for answer in (await client.get("/healthz"), await client.put("/", headers={"Origin": "null"})):
            assert answer.headers.get_list("x-layers") == ["inner", "outer"]


async def test_an_app_has_headers_and_an_address_of_its_own() -> None:
    site, headers = Site(secure=True), [(b"x-pages", b"yes")]
    app = create_http_app("pages", [], no_lifespan, {}, site=site, headers=headers)
    async with browsing(app) as client:
        own = await client.put("/", headers={"Origin": BASE_URL.replace("http:", "https:")})
        other = await client.put("/", headers={"Origin": BASE_URL})

    assert (own.status_code, other.status_code) == (404, 403)
    assert own.headers["x-pages"] == "yes"
    assert PROTECTED.keys().isdisjoint(own.headers)


@pytest.mark.parametrize("path", ["/redoc", "/records/"])
async def test_nothing_is_served_at_an_address_that_no_route_has(
    client: httpx.AsyncClient, path: str
) -> None:
    assert code_of(await client.get(path), 404) == "not-found"


async def test_the_documentation_names_the_service(client: httpx.AsyncClient) -> None:
    assert (await client.get("/openapi.json")).json()["info"]["title"] == "GitTix records"


async def test_an_answer_that_fails_on_its_way_is_not_begun_again() -> None:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    with pytest.raises(ZeroDivisionError):
        await RequestMiddleware(app, Site())(scope, receive, send)

    assert [message["status"] for message in sent] == [200]


async def test_a_server_that_names_no_scheme_is_reached_by_plain_http() -> None:
    """ASGI lets a server leave it out."""
    passed = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        passed.append(scope["method"])

    async def receive() -> Message:
        raise AssertionError

    async def send(_message: Message) -> None: ...

    headers = [(b"host", b"gittix.test"), (b"origin", b"http://gittix.test")]
    scope = {"type": "http", "method": "PUT", "path": "/", "headers": headers}
    await RequestMiddleware(app, Site())(scope, receive, send)

    assert passed == ["PUT"]


async def test_a_route_may_say_otherwise(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/records/1")

    assert answer.headers.get_list("cache-control") == ["public, max-age=60"]
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_documentation_for_operators_may_load_its_scripts(client: httpx.AsyncClient) -> None:
    answer = await client.get("/docs")

    assert answer.status_code == 200
    assert answer.headers["content-security-policy"] == "frame-ancestors 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
