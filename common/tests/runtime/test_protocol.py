"""What is no HTTP is refused in the form of every other error, and its connection closed."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from common.http.cross_site import Site
from common.runtime.protocol import MAX_HEAD_BYTES
from tests.http.test_answers import an_app
from tests.raw_http import exchange, read_answer
from tests.serving import served

HOST = b"Host: a.test\r\n"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /records?q=caf\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /caf\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"FOO /records HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /records HTTP/1.1\r\n" + HOST + b"Bad Header: x\r\n\r\n",
        b"PUT /records HTTP/1.1\r\n" + HOST + b"Content-Length: x\r\n\r\n",
        b"PUT /records HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        b"PUT /records HTTP/1.1\r\n"
        + HOST
        + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"PUT /records HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
    ],
)
async def test_what_is_no_http_is_told_so_in_the_common_form(request_bytes: bytes) -> None:
    async with served(an_app()) as port:
        answer = await exchange(port, request_bytes)

    assert (answer.status, answer.codes, answer.closed) == (400, ["bad-request"], True)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"FOO / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 404),
        (b"CONNECT a.test:443 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET http://a.test/records HTTP/1.1\r\n" + HOST + b"\r\n", 200),
        (b"PUT /records HTTP/1.1\r\n" + HOST + b"Content-Length: 9999999\r\n\r\n", 413),
        (b"GET /fault HTTP/1.1\r\n" + HOST + b"\r\n", 500),
    ],
)
async def test_every_answer_on_a_socket_has_the_headers_of_a_site_with_https(
    request_bytes: bytes, status: int
) -> None:
    async with served(an_app(Site(secure=True))) as port:
        answer = await exchange(port, request_bytes)

    assert answer.status == status
    assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


async def test_a_web_socket_is_answered_as_plain_http() -> None:
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    request = b"GET /records HTTP/1.1\r\n" + HOST + upgrade + b"Sec-WebSocket-Key: eA==\r\n\r\n"
    async with served(an_app()) as port:
        answer = await exchange(port, request)

    assert answer.status == 200
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_broken_chunk_is_refused_while_its_request_is_read() -> None:
    request = b"PUT /records HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"
    async with served(an_app()) as port:
        answer = await exchange(port, request)

    assert (answer.status, answer.codes, answer.closed) == (400, ["bad-request"], True)


@pytest.mark.parametrize(
    "head", [b"X-Long: " + b"x" * 10 * MAX_HEAD_BYTES, b"X-Short: x\r\n" * MAX_HEAD_BYTES]
)
async def test_headers_without_an_end_are_cut_off(head: bytes) -> None:
    async with served(an_app()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /records HTTP/1.1\r\n" + HOST + head)
        answer = await read_answer(reader)
        writer.close()

    assert (answer.status, answer.codes) == (431, ["headers-too-large"])


async def test_headers_that_come_bit_by_bit_are_counted_together() -> None:
    lines = b"X-Short: x\r\n" * 300
    async with served(an_app()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /records HTTP/1.1\r\n" + HOST)
        answered = asyncio.create_task(read_answer(reader))
        sent = 0
        while not answered.done() and sent < 4 * MAX_HEAD_BYTES:
            writer.write(lines)
            sent += len(lines)
            # The server of this loop reads each before the next is sent.
            for _ in range(5):
                await asyncio.sleep(0)
        answer = await asyncio.wait_for(answered, 5)
        writer.close()

    assert (answer.status, answer.codes) == (431, ["headers-too-large"])
    assert MAX_HEAD_BYTES - len(lines) <= sent < 2 * MAX_HEAD_BYTES


async def test_each_byte_of_a_head_is_counted_once() -> None:
    """Two thirds of the longest head come with the first bytes of the request, the end of it later."""
    padding = b"X-Padding: " + b"x" * (2 * MAX_HEAD_BYTES // 3)
    async with served(an_app()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /records HTTP/1.1\r\n" + HOST + padding)
        for _ in range(100):
            await asyncio.sleep(0)
        writer.write(b"x\r\n\r\n")
        answer = await read_answer(reader)
        writer.close()

    assert answer.status == 200


async def test_large_bodies_are_no_large_headers() -> None:
    async with served(an_app()) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(3):
            assert (await client.put("/records", content=b"x" * 2 * MAX_HEAD_BYTES)).status_code == 200


async def test_requests_of_one_connection_are_answered_one_after_the_other() -> None:
    """The bytes of a head are counted for each request."""
    padding = b"X-Padding: " + b"x" * (MAX_HEAD_BYTES // 2) + b"\r\n\r\n"
    async with served(an_app()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(4):
            writer.write(b"GET /records HTTP/1.1\r\n" + HOST + padding)
            assert (await read_answer(reader)).status == 200
        writer.close()


async def test_an_answer_that_has_begun_gets_no_second_one() -> None:
    async with served(an_app()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /endless HTTP/1.1\r\n" + HOST + b"\r\n")
        await reader.readuntil(b"part\n")
        writer.write(b"FOO / HTTP/1.1\r\n\r\n")
        rest = await reader.read()
        writer.close()

    assert b"HTTP/1.1 400" not in rest


async def test_an_app_without_our_layers_is_served_as_well() -> None:
    async with served(FastAPI()) as port:
        assert (await exchange(port, b"FOO / HTTP/1.1\r\n\r\n")).status == 400
