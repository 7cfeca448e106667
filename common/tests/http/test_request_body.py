"""Bodies that come slowly, or are too large, on real connections."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request

from common.base.errors import NotAuthorized
from common.http import request_body
from common.http.app import create_http_app
from common.http.request_body import LINGER_BYTES, MAX_BODY_BYTES
from common.testing.browser import no_lifespan
from tests.raw_http import Answer, exchange, read_answer
from tests.serving import served

TOO_LARGE = b"x" * (MAX_BODY_BYTES * 8)
"""More than the buffers of both sockets hold: a client that sends it first waits until it is read."""


def an_app() -> FastAPI:
    router = APIRouter()

    @router.post("/uploads")
    async def upload(request: Request) -> dict[str, int]:
        return {"length": len(await request.body())}

    @router.post("/strangers")
    async def refuse_strangers() -> None:
        raise NotAuthorized()

    return create_http_app("uploads", [router], no_lifespan, {})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with served(an_app()) as port:
        yield port


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds of time of some milliseconds."""
    for name, seconds in (("BODY_SECONDS", 0.1), ("GRACE_SECONDS", 0.02), ("LINGER_SECONDS", 0.1)):
        monkeypatch.setattr(request_body, name, seconds)


def post(path: str, headers: bytes, body: bytes = b"") -> bytes:
    return b"POST " + path.encode() + b" HTTP/1.1\r\nHost: a.test\r\n" + headers + b"\r\n\r\n" + body


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body)


def length(body: bytes) -> bytes:
    return b"Content-Length: %d" % len(body)


CHUNKED = b"Transfer-Encoding: chunked"


async def trickle(port: int, request: bytes, part: bytes) -> Answer:
    """Sends `request`, then `part` again and again until the server closes the connection in order."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)

    async def go_on() -> None:
        while True:
            writer.write(part)
            await asyncio.sleep(0.005)

    sending = asyncio.create_task(go_on())
    try:
        async with asyncio.timeout(10):
            answer = await read_answer(reader)
            assert answer.headers["connection"] == "close"
            # Ends by the server's end of the connection, or by a reset once this side sends on after that.
            while await reader.read(1):
                pass
    except ConnectionResetError:
        pass
    finally:
        sending.cancel()
        writer.close()
    return answer


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("headers", "part"),
    [(b"Content-Length: 100000", b"x"), (CHUNKED, b"1\r\nx\r\n")],
    ids=["length", "chunked"],
)
async def test_a_body_that_comes_too_slowly_is_refused_and_its_connection_closed(
    port: int, headers: bytes, part: bytes
) -> None:
    answer = await trickle(port, post("/uploads", headers), part)

    assert (answer.status, answer.codes) == (408, ["request-timeout"])


@pytest.mark.usefixtures("impatient")
async def test_a_body_that_stops_coming_is_refused(port: int) -> None:
    answer = await exchange(port, post("/uploads", b"Content-Length: 10", b"x"))

    assert (answer.status, answer.codes, answer.closed) == (408, ["request-timeout"], True)


@pytest.mark.usefixtures("impatient")
async def test_a_slow_body_that_no_handler_reads_holds_no_connection(port: int) -> None:
    answer = await trickle(port, post("/strangers", b"Content-Length: 100000"), b"x")

    assert (answer.status, answer.codes) == (401, ["not-authorized"])


def test_a_slow_body_is_answered_within_fifteen_seconds() -> None:
    assert request_body.BODY_SECONDS + request_body.GRACE_SECONDS < 15


@pytest.mark.parametrize("path", ["/uploads", "/strangers"])
@pytest.mark.parametrize(
    ("headers", "body"),
    [(length(TOO_LARGE), TOO_LARGE), (CHUNKED, chunked(TOO_LARGE) + b"0\r\n\r\n")],
    ids=["length", "chunked"],
)
async def test_a_client_that_sends_all_first_reads_why_its_body_was_refused(
    port: int, path: str, headers: bytes, body: bytes
) -> None:
    answer = await exchange(port, post(path, headers, body))

    announced = headers != CHUNKED
    assert answer.status == (401 if path == "/strangers" and not announced else 413)
    assert answer.closed


async def test_an_upload_without_an_end_is_read_no_further_than_the_bound(port: int) -> None:
    sent = 0
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(post("/uploads", CHUNKED))
    with suppress(ConnectionError):
        async with asyncio.timeout(20):
            while True:
                writer.write(chunked(b"x" * 65_536))
                await writer.drain()
                sent += 65_536
    writer.close()

    assert sent < 10 * LINGER_BYTES
    del reader


@pytest.mark.usefixtures("impatient")
async def test_a_client_that_asks_first_is_refused_without_its_body(port: int) -> None:
    headers = length(TOO_LARGE) + b"\r\nExpect: 100-continue"
    answer = await exchange(port, post("/uploads", headers))

    assert (answer.status, answer.codes, answer.closed) == (413, ["body-too-large"], True)


async def test_a_connection_whose_body_was_taken_goes_on() -> None:
    async with served(an_app()) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(3):
            answer = await client.post("/uploads", content=b"x" * 10_000)
            assert answer.json() == {"length": 10_000}
            assert "connection" not in answer.headers


async def test_a_small_body_that_comes_after_its_headers_costs_no_connection(port: int) -> None:
    """Many clients send the two apart; a refusal that did not read the body need not close for that."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(3):
        writer.write(post("/strangers", b"Content-Length: 5"))
        await asyncio.sleep(0.02)
        writer.write(b"hello")
        answer = await read_answer(reader)
        assert answer.status == 401
        assert "connection" not in answer.headers
    writer.close()
