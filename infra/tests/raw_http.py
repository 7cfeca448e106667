"""HTTP as bytes on a socket, for requests that no client sends."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from multidict import CIMultiDict

from infra.dev.edge import HEADERS

READ_SECONDS = 30


@dataclass(frozen=True)
class Answer:
    status: int
    headers: CIMultiDict[str]
    body: bytes

    @property
    def errors(self) -> Any:
        return json.loads(self.body)["errors"]

    @property
    def codes(self) -> list[str]:
        """Codes of the errors. Fails unless each has the form of the contract."""
        assert self.headers["Content-Type"] == "application/json"
        assert all(set(error) >= {"code", "message"} for error in self.errors)
        return [error["code"] for error in self.errors]


@dataclass(frozen=True)
class Wire:
    """One connection to an edge."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *parts: bytes) -> None:
        """Send as much as the other side takes: it may have closed the connection before the end."""
        with suppress(ConnectionError):
            for part in parts:
                self.writer.write(part)
                await self.writer.drain()

    async def drip(self, part: bytes, seconds: float) -> None:
        """Send the part again and again, with a pause after each."""
        with suppress(ConnectionError):
            while not self.writer.is_closing():
                self.writer.write(part)
                await self.writer.drain()
                await asyncio.sleep(seconds)

    async def answer(self) -> Answer:
        """The next answer. Raises IncompleteReadError where the connection ends without one."""
        async with asyncio.timeout(READ_SECONDS):
            head = await self.reader.readuntil(b"\r\n\r\n")
            line, *lines = head.decode("latin-1").strip().split("\r\n")
            fields = (entry.partition(": ") for entry in lines)
            headers = CIMultiDict[str]([(name, value) for name, _, value in fields])
            body = await self.reader.readexactly(int(headers.get("Content-Length", 0)))
        return Answer(int(line.split()[1]), headers, body)

    async def is_closed(self) -> bool:
        """Whether the other side ends the connection without a further byte."""
        async with asyncio.timeout(READ_SECONDS):
            with suppress(ConnectionError):
                return await self.reader.read() == b""
        return True


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Wire]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Wire(reader, writer)
    finally:
        await _end(writer)


async def _end(writer: asyncio.StreamWriter) -> None:
    """Close the connection without its unsent bytes."""
    writer.transport.abort()
    with suppress(ConnectionError):
        await writer.wait_closed()


def head(method: str, target: str, *headers: str, host: str = "shop.example") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *headers, "", ""]
    return "\r\n".join(lines).encode()


async def accepting(port: int) -> None:
    """Wait until a server listens."""
    async with asyncio.timeout(20):
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                await _end(writer)
                return
            await asyncio.sleep(0.02)


def assert_refused(answer: Answer, status: int, code: str) -> None:
    """An edge's own refusal: in the form of the contract, with the headers of every refusal."""
    assert (answer.status, answer.codes) == (status, [code])
    assert {name: answer.headers.getall(name) for name in HEADERS} == {
        name: [value] for name, value in HEADERS.items()
    }


async def assert_too_large(wire: Wire, size: int) -> None:
    """A body of this size is refused on a connection that served before, and then closed."""
    await wire.send(head("GET", "/api/tickets"))
    assert (await wire.answer()).status == 200

    # As browsers do, it reads while it sends.
    answering = asyncio.create_task(wire.answer())
    await wire.send(head("POST", "/api/tickets", f"Content-Length: {size}"), b"x" * size)
    await wire.send(head("GET", "/api/tickets"))
    refused = await answering

    assert_refused(refused, 413, "body-too-large")
    assert refused.headers["Connection"] == "close"
    assert await wire.is_closed()
