"""A ticket's open page as the network sees it: its event stream through the edge."""

import asyncio
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import aiohttp

from infra.actors.api import edge_headers


class Watcher:
    """Records the arrival time of each version. The stream may skip versions between two others."""

    def __init__(
        self, session: aiohttp.ClientSession, edge: str, ticket_id: str, headers: Mapping[str, str]
    ) -> None:
        self._session = session
        self._url = f"{edge}/tickets/{ticket_id}/live"
        self._headers = {**edge_headers(), **headers, "Accept": "text/event-stream"}
        self._received = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.arrivals: dict[int, float] = {}
        """Arrival time by version, on the clock of `time.perf_counter`."""
        self.texts: dict[int, str] = {}

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def received(self, version: int, within: float) -> float | None:
        """Arrival time of that version or a later one; None if none arrives within that many seconds.

        Raises the connection's error, and ConnectionError if the stream has ended.
        """
        try:
            async with asyncio.timeout(within):
                while not any(known >= version for known in self.arrivals):
                    self._received.clear()
                    await self._received.wait()
                    if self._task is not None and self._task.done():
                        self._task.result()
                        raise ConnectionError(f"{self._url} has ended")
        except TimeoutError:
            return None
        return min(at for known, at in self.arrivals.items() if known >= version)

    async def _read(self) -> None:
        try:
            async with self._session.get(self._url, headers=self._headers) as response:
                response.raise_for_status()
                version, lines = -1, list[str]()
                async for raw in response.content:
                    name, _, value = raw.decode().rstrip("\n").partition(": ")
                    if name == "id":
                        version = int(value)
                    elif name == "data":
                        lines.append(value)
                    elif not name and lines:
                        self.arrivals.setdefault(version, time.perf_counter())
                        self.texts[version] = "\n".join(lines)
                        lines = []
                        self._received.set()
        finally:
            self._received.set()


def watching_session() -> aiohttp.ClientSession:
    """HTTP session for any number of streams, without a time limit."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
    )
