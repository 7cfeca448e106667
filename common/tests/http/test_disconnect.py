"""A client that leaves in the middle of a request, on real connections."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from prometheus_client import REGISTRY
from starlette.types import Message

from common.http.app import create_http_app
from common.testing.browser import no_lifespan
from tests.serving import served


class Uploads:
    """App with one route that reads a body, and with answers that have no end."""

    def __init__(self) -> None:
        self.receiving = asyncio.Event()
        self.streaming = asyncio.Event()
        router = APIRouter()
        router.add_api_route("/uploads", self._upload, methods=["POST"])
        router.add_api_route("/endless", self._endless)
        self.app = create_http_app("uploads", [router], no_lifespan, {})

    async def _upload(self, request: Request) -> dict[str, int]:
        self.receiving.set()
        return {"length": len(await request.body())}

    async def _endless(self) -> StreamingResponse:
        async def parts() -> AsyncIterator[str]:
            while True:
                yield "part\n"
                self.streaming.set()
                await asyncio.sleep(0.001)

        return StreamingResponse(parts())


async def leave(port: int, request: bytes, until: asyncio.Event) -> None:
    """Sends `request`, waits for `until`, and closes the connection."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    await until.wait()
    writer.transport.abort()


async def line_of(caplog: pytest.LogCaptureFixture) -> logging.LogRecord:
    """The one log line of the request."""
    async with asyncio.timeout(10):
        while not (lines := [record for record in caplog.records if record.name == "request"]):
            await asyncio.sleep(0.001)
    (line,) = lines
    return line


def counted(method: str, route: str, status: int) -> float:
    labels = {"method": method, "route": route, "status": str(status)}
    return REGISTRY.get_sample_value("http_request_seconds_count", labels) or 0


@pytest.mark.parametrize(
    "body",
    [b'Content-Length: 100\r\n\r\n{"title"', b'Transfer-Encoding: chunked\r\n\r\n8\r\n{"title"\r\n'],
    ids=["length", "chunked"],
)
async def test_a_client_that_leaves_while_it_sends_its_body_is_no_error(
    body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    uploads, before = Uploads(), counted("POST", "/uploads", 499)
    async with served(uploads.app) as port:
        await leave(port, b"POST /uploads HTTP/1.1\r\nHost: a.test\r\n" + body, uploads.receiving)
        line = await line_of(caplog)

    assert (line.levelno, line.__dict__["status"]) == (logging.INFO, 499)
    assert counted("POST", "/uploads", 499) == before + 1
    assert counted("POST", "/uploads", 500) == 0
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


async def test_a_client_that_leaves_while_its_answer_is_sent_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    uploads = Uploads()
    async with served(uploads.app) as port:
        await leave(port, b"GET /endless HTTP/1.1\r\nHost: a.test\r\n\r\n", uploads.streaming)
        line = await line_of(caplog)

    assert (line.levelno, line.__dict__["status"]) == (logging.DEBUG, 200)
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


async def test_a_server_that_reports_the_lost_connection_as_it_sends_is_understood(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """ASGI 2.4 has `send` raise OSError, which Starlette's streamed answers hand on as ClientDisconnect."""
    caplog.set_level(logging.DEBUG)

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            raise OSError

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "method": "GET",
        "path": "/endless",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"a.test")],
    }
    await Uploads().app(scope, receive, send)

    line = await line_of(caplog)
    assert (line.levelno, line.__dict__["status"]) == (logging.DEBUG, 200)
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []
