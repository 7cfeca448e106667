"""A client of the marketplace's API that costs little and can retry what an outage broke."""

import asyncio
import os
import secrets
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson

OUTAGES = frozenset({502, 503, 504})
PASSWORD = "a long password of the load test"


@dataclass
class Api:
    """One user's view of the edge. `retry_for` is in seconds: how long an outage is ridden out, 0 for not.

    Where the edge tells sites apart by their host, and no name leads to it, EDGE_HOST says which is meant.
    """

    edge: str
    connections: int
    retry_for: float = 0.0
    headers: dict[str, str] = field(default_factory=lambda: edge_headers())
    requests: int = field(default=0, init=False)
    retried: int = field(default=0, init=False)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            self.edge,
            connector=aiohttp.TCPConnector(limit=self.connections),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self.headers,
            timeout=aiohttp.ClientTimeout(total=60),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def sign_up(self) -> dict[str, str]:
        """The headers of a new user."""
        body = {"email": f"{secrets.token_hex(8)}@load.test", "password": PASSWORD}
        async with self._session.post("/api/users/signup", json=body) as response:
            response.raise_for_status()
            cookies = response.cookies
        return {"Cookie": "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())}

    async def call(
        self, method: str, path: str, headers: dict[str, str], body: Any = None
    ) -> tuple[int, Any]:
        """The status and the answer's JSON, None for a page.

        Raises what the connection raised, after the retries.
        """
        deadline = asyncio.get_running_loop().time() + self.retry_for
        while True:
            self.requests += 1
            try:
                async with self._session.request(method, path, headers=headers, json=body) as response:
                    if response.status not in OUTAGES or self._is_past(deadline):
                        # To the end, also where it is no JSON: so the connection can be used again.
                        content = await response.read()
                        is_json = response.content_type == "application/json"
                        return response.status, orjson.loads(content) if is_json else None
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
