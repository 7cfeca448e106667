"""The edge of compose.yaml: its configuration in this machine's nginx, in front of echo services."""

import asyncio
import getpass
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias

import aiohttp
import pytest
from aiohttp import web
from tests.raw_http import Wire, accepting, assert_refused, assert_too_large, connected, head
from yarl import URL

from infra.deploy.manifests.rendered import REPO
from infra.dev import edge

CONFIGURATION = REPO / "infra" / "compose" / "nginx.conf"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
UPSTREAMS = ("auth", "tickets", "orders", "payments", "client")
LISTENERS = ("8080", "8081")

pytestmark = pytest.mark.skipif(NGINX is None, reason="needs nginx: apt-get install nginx-light")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def here(text: str, folder: Path, ports: dict[str, int]) -> str:
    """The same configuration with this machine's ports instead of the containers' names."""
    for name in UPSTREAMS:
        assert f" {name}:3000;" in text, name
        text = text.replace(f" {name}:3000;", f" 127.0.0.1:{ports[name]};")
    for port in LISTENERS:
        text = text.replace(port, str(ports[port]))
    for timeout in ("client_header_timeout 10s;", "client_body_timeout 20s;"):
        assert timeout in text
        text = text.replace(timeout, f"{timeout.split()[0]} {SLOW_SECONDS}s;")
    return text.replace("/tmp/", f"{folder}/")


SLOW_SECONDS = 1
LATE = [{"code": "request-timeout", "message": "in the service's words"}]
NAME = web.AppKey("name", str)
LEFT = web.AppKey("left", asyncio.Event)


async def echo(request: web.Request) -> web.Response:
    await request.read()
    said = {"by": request.app[NAME], "uri": request.raw_path, "headers": dict(request.headers)}
    return web.json_response(said)


async def impatient(request: web.Request) -> web.Response:
    """Like a service that has waited long enough for a body."""
    await request.content.readany()
    return web.json_response({"errors": LATE}, status=408)


async def stream(request: web.Request) -> web.StreamResponse:
    """Like client's answer to an open page: one event, then no further data until the browser closes."""
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}
    )
    await response.prepare(request)
    await response.write(b"event: state\ndata: x\n\n")
    try:
        await asyncio.sleep(60)
    finally:
        request.app[LEFT].set()
    return response


@pytest.fixture
def ports() -> dict[str, int]:
    return {name: free_port() for name in (*UPSTREAMS, *LISTENERS)}


@pytest.fixture
async def services(ports: dict[str, int]) -> AsyncIterator[dict[str, web.AppRunner]]:
    runners: dict[str, web.AppRunner] = {}
    for name in UPSTREAMS:
        app = web.Application(client_max_size=0)
        app[NAME], app[LEFT] = name, asyncio.Event()
        app.router.add_get("/tickets/{id}/live", stream)
        app.router.add_post("/api/tickets/slow", impatient)
        app.router.add_route("*", "/{path:.*}", echo)
        runners[name] = web.AppRunner(app, handler_cancellation=True)
        await runners[name].setup()
        await web.TCPSite(runners[name], "127.0.0.1", ports[name]).start()
    yield runners
    for runner in runners.values():
        await runner.cleanup()


@pytest.fixture
async def nginx(tmp_path: Path, ports: dict[str, int]) -> AsyncIterator[None]:
    file = tmp_path / "nginx.conf"
    file.write_text(here(CONFIGURATION.read_text(), tmp_path, ports))
    # If root starts nginx, its workers would otherwise change to a user without write access here.
    user = f"user {getpass.getuser()};"
    process = await asyncio.create_subprocess_exec(str(NGINX), "-e", "stderr", "-g", user, "-c", str(file))
    await accepting(ports["8080"])
    yield
    process.terminate()
    await process.wait()


Get: TypeAlias = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
async def ask(nginx: None, services: object, ports: dict[str, int]) -> AsyncIterator[Get]:  # noqa: ARG001
    """The client sends the path exactly as it is written."""
    async with aiohttp.ClientSession() as session:

        async def request(path: str, listener: str = "8080", **more: Any) -> tuple[int, Any]:
            url = URL(f"http://127.0.0.1:{ports[listener]}{path}", encoded=True)
            async with session.request(more.pop("method", "GET"), url, **more) as answer:
                return answer.status, await answer.json(content_type=None)

        yield request


async def test_its_routes_are_those_of_the_laptops_edge(ask: Get) -> None:
    async def reached(path: str) -> str:
        _, said = await ask(path)
        assert said["uri"] == path
        return str(said["by"])

    for name, service in edge.ROUTES:
        assert await reached(f"/api/{name}") == service
        assert await reached(f"/api/{name}/x%20y?z=%2F") == service
        assert await reached(f"/api/{name}x") == "client"
    for page in ("/", "/tickets/new", "/healthzz"):
        assert await reached(page) == "client"


async def test_what_is_for_operators_is_hidden_however_it_is_written(ask: Get) -> None:
    for path in edge.PRIVATE:
        for written in (
            path,
            f"{path}/",
            f"{path}/x",
            f"/{path}",
            f"/.{path}",
            f"/%{ord(path[1]):x}{path[2:]}",
        ):
            assert await ask(written) == (404, {"errors": [{"code": "not-found", "message": "Not found"}]}), (
                written
            )


async def test_a_browser_can_not_forge_its_address(ask: Get) -> None:
    forged = {"Host": "shop.example:8080", "X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https"}

    _, said = await ask("/api/users/signin", headers=forged)

    headers = said["headers"]
    assert headers["Host"] == headers["X-Forwarded-Host"] == "shop.example:8080"
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    assert headers["X-Forwarded-Proto"] == "http"


async def test_a_body_that_is_too_large_is_refused_as_on_the_laptop(ask: Get) -> None:
    status, _ = await ask("/api/tickets", method="POST", data=BytesIO(b"x" * 1_000_000))
    assert status == 200
    refused = await ask("/api/tickets", method="POST", data=BytesIO(b"x" * 1_100_000))
    assert refused == (413, {"errors": [{"code": "body-too-large", "message": "Body too large"}]})


@pytest.mark.parametrize("path", ["/api/tickets/65f0/file", "/tickets/65f0/file"])
async def test_a_file_of_a_listing_may_be_larger(ask: Get, path: str) -> None:
    status, _ = await ask(path, method="PUT", data=BytesIO(b"x" * 5_300_000))
    assert status == 200
    refused, _ = await ask(path, method="PUT", data=BytesIO(b"x" * 6_400_000))
    assert refused == 413


async def test_a_service_that_is_away_is_said_to_be(ask: Get, services: dict[str, web.AppRunner]) -> None:
    await services["orders"].cleanup()

    assert await ask("/api/orders") == (
        503,
        {"errors": [{"code": "unavailable", "message": "Service unavailable"}]},
    )
    assert (await ask("/api/tickets"))[0] == 200


async def test_an_event_is_sent_on_at_once_and_its_stream_ends_with_the_browser(
    nginx: None,  # noqa: ARG001  # in front
    services: dict[str, web.AppRunner],
    ports: dict[str, int],
) -> None:
    app = services["client"].app
    assert app is not None
    async with asyncio.timeout(10):
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{ports['8080']}/tickets/1/live") as answer,
        ):
            assert await answer.content.readline() == b"event: state\n"
            assert not app[LEFT].is_set()
        await app[LEFT].wait()


async def test_its_health_is_its_own(ask: Get, services: dict[str, web.AppRunner]) -> None:
    await services["client"].cleanup()
    assert await ask("/", "8081") == (204, None)


@pytest.fixture
async def wire(nginx: None, services: object, ports: dict[str, int]) -> AsyncIterator[Wire]:  # noqa: ARG001
    async with connected(ports["8080"]) as wire:
        yield wire


async def test_an_answer_of_a_service_has_the_headers_of_the_service_alone(wire: Wire) -> None:
    await wire.send(head("GET", "/api/tickets"))

    answer = await wire.answer()

    assert answer.status == 200
    assert not (set(edge.HEADERS) | {"Allow", "Retry-After"}) & set(answer.headers) - {"Content-Type"}


CHUNKED = head("POST", "/api/tickets", "Transfer-Encoding: chunked")


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (CHUNKED + b"zz\r\nabc\r\n0\r\n\r\n", 400, "bad-request"),
        (CHUNKED + b"3\r\nabcXX\r\n0\r\n\r\n", 400, "bad-request"),
        (head("GET", "/?q=caf\u00e9"), 400, "bad-request"),
        (head("GET", "/api/tickets?q=caf\u00e9"), 400, "bad-request"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "bad-request"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "bad-request"),
        (b"no HTTP\r\n\r\n", 400, "bad-request"),
        (head("GET", "/%zz"), 400, "bad-request"),
        (head("POST", "/", "Transfer-Encoding: gzip"), 400, "bad-request"),
        (head("GET", "/", f"X: {'x' * 40_000}"), 431, "headers-too-large"),
        (head("GET", "/" + "x" * 40_000), 431, "headers-too-large"),
        (head("FOO", "/api/tickets"), 405, "method-not-allowed"),
        (head("TRACE", "/"), 405, "method-not-allowed"),
        (head("GET", "/metrics"), 404, "not-found"),
        (head("GET", "/refused/head"), 404, "not-found"),
    ],
)
async def test_a_fault_of_the_client_is_no_outage(
    wire: Wire, request_bytes: bytes, status: int, code: str
) -> None:
    await wire.send(request_bytes)

    assert_refused(await wire.answer(), status, code)


async def test_a_refusal_says_what_helps(wire: Wire, services: dict[str, web.AppRunner]) -> None:
    await services["orders"].cleanup()
    await wire.send(head("FOO", "/"))
    assert (await wire.answer()).headers["Allow"] == ", ".join(edge.METHODS)
    await wire.send(head("GET", "/api/orders"))

    answer = await wire.answer()

    assert_refused(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0


async def test_a_slow_body_is_refused_by_its_service_which_receives_it_as_it_comes(wire: Wire) -> None:
    answering = asyncio.create_task(wire.answer())
    await wire.send(head("POST", "/api/tickets/slow", "Content-Length: 1000"))
    dripping = asyncio.create_task(wire.drip(b"x", 0.1))

    answer = await answering

    assert (answer.status, answer.errors) == (408, LATE)
    assert await wire.is_closed()
    await dripping


async def test_a_body_that_stops_ends_its_connection(wire: Wire) -> None:
    await wire.send(head("POST", "/api/tickets", "Content-Length: 1000"), b"x")

    assert await wire.is_closed()


async def test_slow_headers_end_their_connection(wire: Wire) -> None:
    await wire.send(b"GET / HTTP/1.1\r\nX: ")
    dripping = asyncio.create_task(wire.drip(b"x", 0.1))

    async with asyncio.timeout(20):
        await wire.reader.read()
    await dripping


@pytest.mark.parametrize("size", [1_100_000, 30_000_000])
async def test_a_body_that_is_too_large_is_refused_on_a_connection_that_served_before(
    wire: Wire, size: int
) -> None:
    await assert_too_large(wire, size)
