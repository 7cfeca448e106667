"""The client's address behind proxies: the last entry of `X-Forwarded-For` that it could not write itself.

A proxy overwrites the header with its client's address, or appends that address to the header it received. In
both cases the entries that count stand at the right end, and any before them are the client's own words.
"""

from ipaddress import ip_network
from typing import Any, cast

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

ANY = "*"
FORWARDED_FOR = b"x-forwarded-for"

Headers = list[tuple[bytes, bytes]]


def behind_proxies(app: ASGIApp, trusted: str, hops: int) -> ASGIApp:
    """The app, which sees the client's address and scheme in place of the proxy's.

    trusted: Addresses and networks of the proxies with commas between; the last entry that is none of them
    counts. Or `*`, where proxies alone can connect: the entry at place `hops` from the right counts.
    hops: Proxies that a request passes, 1 or more.
    """
    # uvicorn and Starlette have types of their own for the same interface.
    behind: ASGIApp = cast("Any", ProxyHeadersMiddleware(cast("Any", app), trusted_hosts=trusted))
    # With `*`, uvicorn takes the leftmost entry.
    return NearestHops(behind, hops) if trusted == ANY else behind


def check_trusted(text: str) -> str:
    """Raises ValueError for anything but `*` alone, or addresses and networks."""
    if text != ANY:
        for one in filter(None, map(str.strip, text.split(","))):
            try:
                ip_network(one)
            except ValueError:
                raise ValueError("neither * nor addresses and networks with commas between") from None
    return text


class NearestHops:
    """Leaves one entry of `X-Forwarded-For`: the one that the outermost of `hops` proxies has written.

    In a shorter header it is the first one: the request came past the outer proxies.
    """

    def __init__(self, app: ASGIApp, hops: int) -> None:
        self._app = app
        self._hops = hops

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "headers": self._nearest(scope["headers"])}
        await self._app(scope, receive, send)

    def _nearest(self, headers: Headers) -> Headers:
        entries = [one for name, value in headers if name == FORWARDED_FOR for one in value.split(b",")]
        if len(entries) <= 1:
            return headers
        entry = entries[-min(self._hops, len(entries))].strip()
        return [*(header for header in headers if header[0] != FORWARDED_FOR), (FORWARDED_FOR, entry)]
