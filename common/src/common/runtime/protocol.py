"""HTTP on one connection: uvicorn's protocol, whose own refusals have the form of every other error."""

from collections.abc import Sequence
from typing import ClassVar

from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from common.base.errors import AppError, BadRequest
from common.http.middleware import API_HEADERS
from common.http.rendering import render

Headers = Sequence[tuple[bytes, bytes]]

MAX_HEAD_BYTES = 64 * 1024
"""Longest request line with its headers. A browser stores 4 kB a cookie; edges allow 8 to 32 kB."""


class HeadTooLarge(AppError):
    status = 431
    code = "headers-too-large"
    default_message = "The headers are too large"


class Protocol(HttpToolsProtocol):
    """Refuses what is no HTTP, and headers without an end: no app could, without a request."""

    own_headers: ClassVar[Headers] = API_HEADERS
    """Those of every answer of the app."""
    _chunk = 0
    _head_bytes: int | None = None
    """Bytes of request line and headers so far, without the chunk in which they begin; None within a body."""

    def data_received(self, data: bytes) -> None:
        self._chunk = len(data)
        super().data_received(data)
        if self._head_bytes is None or self.transport.is_closing():
            return
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(HeadTooLarge())

    def on_message_begin(self) -> None:
        # The chunk may begin with the body of the request before.
        self._head_bytes = -self._chunk
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head_bytes = None
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # uvicorn's, in words of its own
        self._refuse(BadRequest("The request is no HTTP that can be read"))

    def _refuse(self, error: AppError) -> None:
        """Answers and closes. Within an answer it only closes: a second one would be read as its body."""
        if self.cycle is None or not self.cycle.response_started or self.cycle.response_complete:
            answer = render(error)
            headers = [*answer.raw_headers, *self.own_headers, (b"connection", b"close")]
            lines = [b"%s: %s\r\n" % header for header in headers]
            self.transport.write(b"".join([STATUS_LINE[error.status], *lines, b"\r\n", bytes(answer.body)]))
        self.transport.close()


def protocol_of(app: FastAPI) -> type[Protocol]:
    """The protocol whose refusals have the headers of the app, which `create_http_app` has named."""

    class Own(Protocol):
        own_headers = getattr(app.state, "headers", API_HEADERS)

    return Own
