"""The edge of the laptop: Caddy with its configuration, in front of services that count their requests."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import web
from tests.raw_http import Wire, accepting, assert_refused, assert_too_large, connected, head

from infra.dev import edge
from infra.dev.config import from_env
from infra.dev.ports import SERVICES, free_edge

SLOW_SECONDS = 1
CROWD = 140
"""More than the edge's connections to one service."""


class Services:
    """Every service at once. `asked` counts requests by path, once their headers have arrived."""

    def __init__(self) -> None:
        self.asked = Counter[str]()

    async def answer(self, request: web.Request) -> web.Response:
        self.asked[request.path] += 1
        body = await request.read()
        if request.path.endswith("/late"):
            await asyncio.sleep(2 * SLOW_SECONDS)
        return web.json_response({"bytes": len(body)})

    async def stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for _ in range(3):
            await response.write(b"data: x\n\n")
            await asyncio.sleep(SLOW_SECONDS)
        return response


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    assert edge.SLOW_SECONDS < 15
    monkeypatch.setattr(edge, "SLOW_SECONDS", SLOW_SECONDS)
    monkeypatch.setattr(edge, "WAIT_SECONDS", 0)


@pytest.fixture
def port() -> int:
    return free_edge()


@pytest.fixture
async def services(port: int) -> AsyncIterator[Services]:
    """All services but orders."""
    ports = from_env({"EDGE_PORT": str(port)}).ports
    services, app = Services(), web.Application(client_max_size=0)
    app.router.add_get("/tickets/{id}/live", services.stream)
    app.router.add_route("*", "/{path:.*}", services.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    for name in SERVICES:
        if name != "orders":
            await web.TCPSite(runner, "127.0.0.1", ports[name]).start()
    yield services
    await runner.cleanup()


@pytest.fixture
async def caddy(quick: None, services: Services, port: int, tmp_path: Path) -> AsyncIterator[None]:  # noqa: ARG001
    config = from_env({"EDGE_PORT": str(port), "DATA_DIR": str(tmp_path)})
    process = await asyncio.create_subprocess_exec(
        *edge.prepare(config), env=edge.own_environment(config), stderr=asyncio.subprocess.DEVNULL
    )
    await accepting(port)
    yield
    process.terminate()
    await process.wait()


@pytest.fixture
async def wire(caddy: None, port: int) -> AsyncIterator[Wire]:  # noqa: ARG001  # in front
    async with connected(port) as wire:
        yield wire


async def test_slow_bodies_are_refused_and_keep_nobody_else_waiting(
    caddy: None,  # noqa: ARG001  # in front
    services: Services,
    port: int,
) -> None:
    async with AsyncExitStack() as stack:
        crowd = [await stack.enter_async_context(connected(port)) for _ in range(CROWD)]
        for wire in crowd:
            await wire.send(head("POST", "/api/tickets/slow", "Content-Length: 1000"), b"x")
        answers = [asyncio.create_task(wire.answer()) for wire in crowd]
        dripping = [asyncio.create_task(wire.drip(b"x", 0.1)) for wire in crowd]

        other = await stack.enter_async_context(connected(port))
        for _ in range(20):
            await other.send(head("GET", "/api/tickets"))
            assert (await other.answer()).status == 200

        for wire, answer in zip(crowd, answers, strict=True):
            assert_refused(await answer, 408, "request-timeout")
            assert await wire.is_closed()
        await asyncio.gather(*dripping)
    assert services.asked["/api/tickets/slow"] == 0


async def test_a_slow_body_in_chunks_is_refused(wire: Wire) -> None:
    await wire.send(head("POST", "/api/tickets", "Transfer-Encoding: chunked"), b"3\r\na")

    answer = await wire.answer()

    assert_refused(answer, 408, "request-timeout")
    assert answer.headers["Connection"] == "close"


async def test_slow_headers_end_their_connection(wire: Wire) -> None:
    await wire.send(b"GET / HTTP/1.1\r\nX: ")
    dripping = asyncio.create_task(wire.drip(b"x", 0.1))

    assert await wire.is_closed()
    await dripping


@pytest.mark.parametrize(
    "request_head", [head("GET", "/late"), head("POST", "/late", "Content-Length: 1") + b"x"]
)
async def test_an_answer_may_take_longer_than_its_request(wire: Wire, request_head: bytes) -> None:
    """As that of a payment provider, which may take 30 s."""
    for _ in range(2):
        await wire.send(request_head)
        assert (await wire.answer()).status == 200


async def test_an_open_page_stays_open(wire: Wire) -> None:
    await wire.send(head("GET", "/tickets/1/live"))
    async with asyncio.timeout(30):
        received = await wire.reader.readuntil(b"0\r\n\r\n")
    assert received.count(b"data: x") == 3


@pytest.mark.parametrize("size", [1_100_000, 10_000_000])
async def test_a_body_that_is_too_large_is_refused_on_a_connection_that_served_before(
    wire: Wire, size: int
) -> None:
    await assert_too_large(wire, size)


async def test_chunks_that_are_too_large_in_sum_are_refused(wire: Wire) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    await wire.send(head("POST", "/api/tickets", "Transfer-Encoding: chunked"), *[chunk] * 20, b"0\r\n\r\n")

    assert_refused(await wire.answer(), 413, "body-too-large")


async def test_a_body_within_the_limit_arrives_whole(wire: Wire) -> None:
    for size in (0, 1, 999_999, 1_000_000):
        await wire.send(head("POST", "/api/tickets", f"Content-Length: {size}"), b"x" * size)
        assert json.loads((await wire.answer()).body) == {"bytes": size}
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    await wire.send(head("POST", "/api/tickets", "Transfer-Encoding: chunked"), *[chunk] * 15, b"0\r\n\r\n")
    assert json.loads((await wire.answer()).body) == {"bytes": 15 * 0x10000}


CHUNKED = head("POST", "/api/tickets", "Transfer-Encoding: chunked")


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (CHUNKED + b"zz\r\nabc\r\n0\r\n\r\n", 400, "bad-request"),
        (CHUNKED + b"3\r\nabcXX\r\n0\r\n\r\n", 400, "bad-request"),
        (CHUNKED + b"123456781234567812\r\nabc", 400, "bad-request"),
        (CHUNKED + b"0\r\n: x\r\n\r\n", 400, "bad-request"),
        (head("GET", "/?q=caf\u00e9"), 400, "bad-request"),
        (head("GET", "/api/tickets?q=caf\u00e9"), 400, "bad-request"),
        (head("FOO", "/api/tickets"), 405, "method-not-allowed"),
        (head("TRACE", "/"), 405, "method-not-allowed"),
        (head("GET", "/metrics"), 404, "not-found"),
    ],
)
async def test_a_fault_of_the_client_is_no_outage(
    wire: Wire, request_bytes: bytes, status: int, code: str
) -> None:
    await wire.send(request_bytes)

    assert_refused(await wire.answer(), status, code)


@pytest.mark.parametrize(
    "request_head",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"no HTTP\r\n\r\n",
        head("GET", "/%zz"),
    ],
)
async def test_what_is_no_http_is_refused_and_its_connection_closed(
    wire: Wire, services: Services, request_head: bytes
) -> None:
    """In the words of Go's parser, which no configuration of Caddy reaches."""
    await wire.send(request_head)

    async with asyncio.timeout(10):
        refused = await wire.reader.read()

    assert refused.startswith(b"HTTP/1.1 400 Bad Request")
    assert not services.asked


async def test_a_405_names_the_methods(wire: Wire) -> None:
    await wire.send(head("FOO", "/api/tickets"))
    assert (await wire.answer()).headers["Allow"] == ", ".join(edge.METHODS)


async def test_a_service_that_is_away_is_said_to_be_and_when_to_try_again(wire: Wire) -> None:
    await wire.send(head("GET", "/api/orders"))

    answer = await wire.answer()

    assert_refused(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
