"""Layer of every request: trace, cross-site check, announced length, headers, metrics, one log line."""

import logging
import time
from collections.abc import Iterable, Sequence

from prometheus_client import Histogram
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.base import tracing
from common.base.errors import AppError, NotFound
from common.http.cross_site import Site
from common.http.rendering import render, unexpected
from common.http.request_body import max_bytes_of, refuse_announced
from common.http.security_log import NO_CODES, SecurityLog
from common.http.security_notes import notes

log = logging.getLogger("request")

CLIENT_CLOSED_REQUEST = 499
"""Status in metrics and logs of a request whose client left before the answer began; nginx's number."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
DOCS = frozenset({"/docs", "/docs/oauth2-redirect"})
OPERATOR_PATHS = DOCS | {"/healthz", "/readyz", "/metrics", "/openapi.json"}
"""For those who stand beside the service. A plain Ingress knows no way to hide them."""

API_HEADERS: Sequence[tuple[bytes, bytes]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
"""Headers of an API's answer. A route's own header of the same name wins."""
HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
"""Of a site with https: for a year, browsers use no plain http for it and its subdomains (RFC 6797)."""
DOCS_HEADERS: Sequence[tuple[bytes, bytes]] = tuple(
    (name, b"frame-ancestors 'none'") if name == b"content-security-policy" else (name, value)
    for name, value in API_HEADERS
)
"""Headers of the documentation, which loads its scripts from a CDN."""

_SECONDS = Histogram(
    "http_request_seconds",
    "Time to the end of the answer",
    ["method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


class RequestMiddleware:
    """Pure ASGI: nothing is buffered, and a request costs one extra frame."""

    def __init__(
        self,
        app: ASGIApp,
        site: Site,
        headers: Sequence[tuple[bytes, bytes]] = API_HEADERS,
        security_log: SecurityLog = NO_CODES,
    ) -> None:
        self._app = app
        self._site = site
        self._headers = headers
        self._security_log = security_log
        self._docs_headers = [*DOCS_HEADERS, *(header for header in headers if header == HSTS)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = _Headers(scope["headers"])
        trace = tracing.Trace.start(headers.get(b"x-request-id"), headers.get(b"traceparent"))
        tracing.enter(trace)
        defaults = self._docs_headers if scope["path"] in DOCS else self._headers
        status = 0

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given: list[tuple[bytes, bytes]] = message["headers"]
                names = {name for name, _ in given}
                given.extend(header for header in defaults if header[0] not in names)
                given.append((b"x-request-id", trace.request_id.encode()))
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
            self._security_log.write(scope, status)

    async def _pass(self, scope: Scope, headers: "_Headers", receive: Receive, send: Send) -> None:
        try:
            if scope["path"] in OPERATOR_PATHS:
                refuse_from_outside(headers)
            if scope["method"] not in SAFE_METHODS:
                self._site.refuse_others(headers.get, scope.get("scheme", "http"))
                refuse_announced(headers.get(b"content-length"), max_bytes_of(scope))
        except AppError as error:
            notes(scope).refusal = error
            await render(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)


class _Headers:
    """The few headers that the middleware looks at, without decoding the others."""

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
