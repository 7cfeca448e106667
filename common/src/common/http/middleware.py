"""Outermost layer of every request: trace, cross-site check, limit of the body, metrics, one log line."""

import logging
import time
from collections.abc import Iterable

from prometheus_client import Histogram
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.base import tracing
from common.base.errors import CONTENT_LENGTH_INVALID, AppError, BadRequest, CrossSite, NotFound, TooLarge
from common.http.rendering import render, unexpected

log = logging.getLogger("request")

MAX_BODY_BYTES = 256 * 1024
_MOST_DIGITS = 18
CLIENT_CLOSED_REQUEST = 499
"""Status in metrics and logs of a request whose client left before the answer began; nginx's number."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OPERATOR_PATHS = frozenset(
    {"/healthz", "/readyz", "/metrics", "/docs", "/docs/oauth2-redirect", "/openapi.json"}
)
"""For those who stand beside the service. A plain Ingress knows no way to hide them."""

_SECONDS = Histogram(
    "http_request_seconds",
    "Time to the end of the answer",
    ["method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


class RequestMiddleware:
    """Pure ASGI: nothing is buffered, and a request costs one extra frame."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = _Headers(scope["headers"])
        trace = tracing.Trace.start(headers.get(b"x-request-id"), headers.get(b"traceparent"))
        tracing.enter(trace)
        status = 0

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((b"x-request-id", trace.request_id.encode()))
            await send(message)

        try:
            await self._pass(scope, headers, receive, send_marked)
        except ClientDisconnect:
            # No error: the client left while its body was read, or while a streamed answer was sent.
            status = status or CLIENT_CLOSED_REQUEST
        except Exception as error:
            if status:
                raise
            await unexpected(error)(scope, receive, send_marked)
        finally:
            _note(scope, status, time.perf_counter() - started)

    async def _pass(self, scope: Scope, headers: "_Headers", receive: Receive, send: Send) -> None:
        try:
            if scope["path"] in OPERATOR_PATHS:
                refuse_from_outside(headers)
            if scope["method"] not in SAFE_METHODS:
                refuse_cross_site(headers)
                receive = limited(headers, receive)
        except AppError as error:
            await render(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)


class _Headers:
    """The few headers that the gate looks at, without decoding the others."""

    _NAMES = frozenset(
        {
            *(b"host", b"origin", b"sec-fetch-site", b"content-length"),
            *(b"x-request-id", b"traceparent", b"x-forwarded-for"),
        }
    )

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self._values = {name: value for name, value in raw if name in self._NAMES}

    def get(self, name: bytes) -> str | None:
        value = self._values.get(name)
        return None if value is None else value.decode("latin-1")


def refuse_from_outside(headers: _Headers) -> None:
    """Raises NotFound for a request through an edge: every edge sends X-Forwarded-For."""
    if headers.get(b"x-forwarded-for") is not None:
        raise NotFound()


def refuse_cross_site(headers: _Headers) -> None:
    """Raises CrossSite for a write that a browser sent from another site's page.

    One with neither `Sec-Fetch-Site` nor `Origin` comes from no browser: its session alone judges it.
    """
    if headers.get(b"sec-fetch-site") == "cross-site":
        raise CrossSite()
    origin = headers.get(b"origin")
    if origin is not None and origin.partition("://")[2] != headers.get(b"host"):
        raise CrossSite()


def limited(headers: _Headers, receive: Receive) -> Receive:
    """`receive` that raises TooLarge past the limit; at once where the length is announced."""
    announced = headers.get(b"content-length")
    if announced is not None:
        if not (announced.isascii() and announced.isdecimal()):
            raise BadRequest("Content-Length must be a number", code=CONTENT_LENGTH_INVALID)
        if len(announced) > _MOST_DIGITS or int(announced) > MAX_BODY_BYTES:
            raise TooLarge()
        return receive
    total = 0

    async def counted() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > MAX_BODY_BYTES:
            raise TooLarge()
        return message

    return counted


def _note(scope: Scope, status: int, seconds: float) -> None:
    route = scope.get("route")
    path = "unmatched" if route is None else route.path
    _SECONDS.labels(scope["method"], path, status).observe(seconds)
    level = logging.INFO if scope["method"] not in SAFE_METHODS else logging.DEBUG
    if log.isEnabledFor(level):
        log.log(
            level,
            "%s %s",
            scope["method"],
            scope["path"],
            extra={"status": status, "milliseconds": round(seconds * 1000, 2)},
        )
