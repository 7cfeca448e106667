"""HTTP client of the marketplace's API: cheap for each request, with optional retries during an outage."""

import asyncio
import os
import secrets
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson

OUTAGES = frozenset({502, 503, 504})


@dataclass(frozen=True, slots=True)
class Reply:
    """Response with its complete body.

    `cookies`: the cookies that it set, in the format of the header `Cookie`.
    """

    status: int
    content_type: str
    content: bytes
    cookies: str

    def json(self) -> Any:
        """The parsed body; None for a page (HTML)."""
        return orjson.loads(self.content) if self.content_type == "application/json" else None


@dataclass
class Api:
    """Client of the edge, over the public API.

    `retry_for`: seconds for which a call is retried during an outage. `timeout`: seconds for one attempt.
    EDGE_HOST is the value of the header `Host`, for an edge that selects the site by host and whose host name
    does not resolve.
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
        """Make one attempt. Raises aiohttp.ClientError or TimeoutError if no answer arrives."""
        self.requests += 1
        async with self._session.request(method, path, headers=headers, json=body) as response:
            # Read the whole body, also if it is not JSON: the connection can then be used again.
            content = await response.read()
            cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in response.cookies.items())
            return Reply(response.status, response.content_type, content, cookies)

    async def call(
        self, method: str, path: str, headers: dict[str, str], body: Any = None
    ) -> tuple[int, Any]:
        """The status and the answer's JSON, None for a page.

        Raises the connection's error after the last retry. A retried create has its effect once.
        """
        if method == "POST" and self.retry_for:
            headers = {**headers, "Idempotency-Key": secrets.token_urlsafe(16)}
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
