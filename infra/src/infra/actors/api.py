"""A client of the marketplace's API that costs little and can retry what an outage broke."""

import asyncio
import os
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson

OUTAGES = frozenset({502, 503, 504})


@dataclass(frozen=True, slots=True)
class Reply:
    """A response, read to its end. `cookies`: the cookies that it set, as the header `Cookie` sends them."""

    status: int
    content_type: str
    content: bytes
    cookies: str

    def json(self) -> Any:
        """None for a page."""
        return orjson.loads(self.content) if self.content_type == "application/json" else None


@dataclass
class Api:
    """The edge as its clients see it. `retry_for`: seconds for which a call is retried during an outage.

    `timeout`: seconds for one attempt. EDGE_HOST names the site for an edge that tells sites apart by their
    host and has no name that resolves.
    """

    edge: str
    connections: int
    retry_for: float = 0.0
    headers: dict[str, str] = field(default_factory=lambda: edge_headers())
    timeout: float = 60.0
    requests: int = field(default=0, init=False)
    retried: int = field(default=0, init=False)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            self.edge,
            connector=aiohttp.TCPConnector(limit=self.connections),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self.headers,
            timeout=aiohttp.ClientTimeout(total=self.timeout),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def send(self, method: str, path: str, headers: dict[str, str], body: Any = None) -> Reply:
        """One attempt. Raises aiohttp.ClientError or TimeoutError where no answer comes."""
        self.requests += 1
        async with self._session.request(method, path, headers=headers, json=body) as response:
            # To the end, also where it is no JSON: so the connection can be used again.
            content = await response.read()
            cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in response.cookies.items())
            return Reply(response.status, response.content_type, content, cookies)

    async def call(
        self, method: str, path: str, headers: dict[str, str], body: Any = None
    ) -> tuple[int, Any]:
        """The status and the answer's JSON, None for a page.

        Raises what the connection raised, after the retries.
        """
        deadline = asyncio.get_running_loop().time() + self.retry_for
        while True:
            try:
                reply = await self.send(method, path, headers, body)
                if reply.status not in OUTAGES or self._is_past(deadline):
                    return reply.status, reply.json()
            except (aiohttp.ClientError, TimeoutError):
                if self._is_past(deadline):
                    raise
            self.retried += 1
            await asyncio.sleep(0.1)

    def _is_past(self, deadline: float) -> bool:
        return asyncio.get_running_loop().time() >= deadline


def edge_headers() -> dict[str, str]:
    host = os.environ.get("EDGE_HOST")
    return {"Host": host} if host else {}
