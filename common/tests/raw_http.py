"""HTTP as bytes, for what no well-behaved client sends."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """One answer. `closed`: The server closed the connection in order after it, without a reset."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    closed: bool = False

    @property
    def codes(self) -> list[str]:
        """The codes of an error in the common form."""
        assert self.headers["content-type"] == "application/json"
        errors: list[dict[str, Any]] = json.loads(self.body)["errors"]
        assert all(entry["message"] for entry in errors)
        return [entry["code"] for entry in errors]


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """The next answer with a Content-Length. Raises IncompleteReadError, ConnectionResetError without one."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Answer(int(first.split()[1]), headers, body)


async def exchange(port: int, request: bytes) -> Answer:
    """Sends all of `request`, as a blocking client does, and only then reads the one answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    await writer.drain()
    answer = await read_answer(reader)
    closed = answer.headers.get("connection") == "close" and await reader.read() == b""
    writer.close()
    return Answer(answer.status, answer.headers, answer.body, closed)
