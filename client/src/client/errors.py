"""Errors as pages.

`common` renders every error of this service as JSON: unknown routes, the APIs' errors, refusals of the
request middleware, faults. `ErrorPages` replaces that JSON by an HTML page, in one place.
"""

import orjson
from fastapi import Request
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from client.messages import heading, message_for
from client.rendering import Page
from common.http.rendering import JSON

_FOR_MACHINES = ("/api/", "/healthz", "/readyz", "/metrics")
"""Paths whose errors stay JSON, for programs. `/api/`: the path of an unknown API reaches this service."""

_REPLACED = {b"content-type", b"content-length", b"cache-control"}


class ErrorPages:
    """ASGI middleware that sends JSON errors as HTML pages."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_FOR_MACHINES):
            await self._app(scope, receive, send)
            return
        await self._app(scope, receive, _ErrorPageSend(scope, receive, send))


class _ErrorPageSend:
    """A `send` that buffers the whole JSON of an error, then sends the error's HTML page in its place."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_error(message):
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._page(self._start)(self._scope, self._receive, self._send)

    def _page(self, start: Message) -> Response:
        status = start["status"]
        entries = orjson.loads(self._body)["errors"]
        wait = Headers(raw=start["headers"]).get("retry-after")
        messages = [message_for(entry["code"], entry["message"], wait) for entry in entries]
        page = Page(Request(self._scope))
        response = page("error.html", status, heading=heading(status), messages=messages)
        response.raw_headers.extend(h for h in start["headers"] if h[0] not in _REPLACED)
        return response


def _is_error(start: Message) -> bool:
    return start["status"] >= 400 and Headers(raw=start["headers"]).get("content-type") == JSON
