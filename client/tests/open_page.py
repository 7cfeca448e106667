"""Receiver of the server-sent events of an app in this process: httpx would wait for the stream's end."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.types import Message
from tests.dom import Element, parse


async def silence() -> Message:
    """ASGI `receive` of a browser that stays and sends nothing."""
    await asyncio.Event().wait()
    raise AssertionError


@dataclass(frozen=True)
class SentEvent:
    """One server-sent event."""

    event: str
    id: str | None
    text: str

    @property
    def html(self) -> Element:
        return parse(self.text)


class OpenPage:
    """One open stream. slow: Accepts no data until `take()` is called."""

    def __init__(
        self,
        app: FastAPI,
        path: str,
        headers: Mapping[str, str],
        slow: bool = False,
        client: str = "127.0.0.1",
    ) -> None:
        where, _, query = path.partition("?")
        self._scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": where,
            "raw_path": where.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [
                (b"host", b"gittix.test"),
                *((k.lower().encode(), v.encode()) for k, v in headers.items()),
            ],
            "client": (client, 1),
            "server": ("gittix.test", 80),
        }
        self._app = app
        self._asked = False
        self._left = asyncio.Event()
        self._taking = asyncio.Event()
        if not slow:
            self._taking.set()
        self._sent = asyncio.Event()
        self.start: Message = {}
        self.body = b""
        self.task = asyncio.create_task(self._run())

    @property
    def status(self) -> int:
        status: int = self.start["status"]
        return status

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.start["headers"]}

    @property
    def received(self) -> list[SentEvent]:
        """The events so far, without comments and `retry`."""
        blocks = [block for block in self.body.decode().split("\n\n")[:-1] if "event: " in block]
        return [_event(block) for block in blocks]

    def leave(self) -> None:
        self._left.set()

    def take(self) -> None:
        self._taking.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not condition():
                self._sent.clear()
                await self._sent.wait()

    async def events(self, count: int) -> list[SentEvent]:
        """Waits for `count` events and returns them. Fails if there are more."""
        await self.until(lambda: len(self.received) >= count)
        assert len(self.received) == count
        return self.received

    async def ended(self) -> None:
        async with asyncio.timeout(60):
            await self.task

    async def _run(self) -> None:
        await self._app(self._scope, self._receive, self._send)
        self._sent.set()

    async def _receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        else:
            await self._taking.wait()
            self.body += message.get("body", b"")
        self._sent.set()


def _event(block: str) -> SentEvent:
    lines = [line.partition(": ") for line in block.splitlines()]
    fields = {name: value for name, _, value in lines}
    data = "\n".join(value for name, _, value in lines if name == "data")
    return SentEvent(fields["event"], fields.get("id"), data)


@asynccontextmanager
async def opened(
    app: FastAPI,
    path: str,
    headers: Mapping[str, str] | None = None,
    slow: bool = False,
    client: str = "127.0.0.1",
) -> AsyncIterator[OpenPage]:
    """client: The browser's IP address."""
    page = OpenPage(app, path, headers or {}, slow, client)
    try:
        yield page
    finally:
        page.leave()
        page.take()
        await page.ended()
