"""Body of a request: bounded in bytes and in time, and read to its end before its connection is closed.

A server that closes a connection with unread bytes resets it, and the client may lose the answer. So a
refusal is sent first, with `Connection: close`, and the rest of the body is read and dropped for a while
("lingering close").
"""

import asyncio
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.base.errors import CONTENT_LENGTH_INVALID, BadRequest, RequestTimeout, TooLarge

MAX_BODY_BYTES = 256 * 1024
BODY_SECONDS = 10.0
"""Longest time from the headers to the end of the body; 408 after it."""
GRACE_SECONDS = 0.5
"""How long an answer waits for the rest of a small body that was not read, so that the connection stays."""
LINGER_SECONDS = 3.0
LINGER_BYTES = 4 * 1024 * 1024
"""What is read and dropped of a body after its refusal, before the connection is closed."""
_MOST_DIGITS = 18
_SCOPE_KEY = "common.max_body_bytes"


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """Bounds of the bodies of one route, in the place of MAX_BODY_BYTES and BODY_SECONDS.

    path: Regular expression of the whole path.
    """

    method: str
    path: str
    max_bytes: int
    seconds: float

    def applies(self, scope: Scope) -> bool:
        return scope["method"] == self.method and re.fullmatch(self.path, scope["path"]) is not None


def max_bytes_of(scope: Scope) -> int:
    """The limit of this request's body, within BodyMiddleware."""
    found: int = scope.get(_SCOPE_KEY, MAX_BODY_BYTES)
    return found


def refuse_announced(length: str | None, max_bytes: int = MAX_BODY_BYTES) -> None:
    """Raises BadRequest for a malformed Content-Length, TooLarge past the limit. None: not announced."""
    if length is None:
        return
    if not (length.isascii() and length.isdecimal()):
        raise BadRequest("Content-Length must be a number", code=CONTENT_LENGTH_INVALID)
    if len(length) > _MOST_DIGITS or int(length) > max_bytes:
        raise TooLarge()


class BodyMiddleware:
    """Outermost ASGI middleware: requests with a body receive it through `_Body`, and wait for its end.

    limits: Of the routes that take more than others.
    """

    def __init__(self, app: ASGIApp, limits: Sequence[BodyLimit] = ()) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _has_body(scope["headers"]):
            await self._app(scope, receive, send)
            return
        max_bytes, seconds = MAX_BODY_BYTES, BODY_SECONDS
        for limit in self._limits:
            if limit.applies(scope):
                max_bytes, seconds = limit.max_bytes, limit.seconds
                scope[_SCOPE_KEY] = max_bytes
        body = _Body(scope["headers"], receive, max_bytes, seconds)

        async def send_answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                if not await body.is_over():
                    message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
                await send(message)
            elif body.over or message.get("more_body", False):
                await send(message)
            else:
                await send({**message, "more_body": True})
                await body.linger()
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self._app(scope, body.receive, send_answer)


def _has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in headers
    )


class _Body:
    """The body as it arrives. over: All of it has arrived, or the client has gone."""

    def __init__(
        self, headers: Iterable[tuple[bytes, bytes]], receive: Receive, max_bytes: int, seconds: float
    ) -> None:
        given = dict(headers)
        self._receive = receive
        self._max_bytes = max_bytes
        self._announced = given.get(b"content-length", b"").decode("latin-1") or None
        # Such a client sends its body once the server asks for it, which the first `receive` does.
        self._waits_to_be_asked = given.get(b"expect", b"").lower() == b"100-continue"
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._bytes = 0
        self._answered = False
        self.over = False

    async def receive(self) -> Message:
        """The next part. Raises TooLarge, RequestTimeout past the bounds, until the answer begins."""
        if self.over or self._answered:
            return await self._next()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._next()
        except TimeoutError:
            raise RequestTimeout() from None
        if self._bytes > self._max_bytes:
            raise TooLarge()
        return message

    async def is_over(self) -> bool:
        """Whether the body has arrived as the answer begins, after a short wait where that is worth it."""
        self._answered = True
        if not (self.over or self._waits_to_be_asked):
            await self._drop(GRACE_SECONDS if self._is_nearly_over() else 0, self._max_bytes)
        return self.over

    async def linger(self) -> None:
        await self._drop(LINGER_SECONDS, LINGER_BYTES)

    async def _drop(self, seconds: float, most_bytes: int) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self.over and self._bytes <= most_bytes:
                    await self._next()

    def _is_nearly_over(self) -> bool:
        if asyncio.get_running_loop().time() >= self._deadline:
            return False
        try:
            refuse_announced(self._announced, self._max_bytes)
        except (BadRequest, TooLarge):
            return False
        return True

    async def _next(self) -> Message:
        self._waits_to_be_asked = False
        message = await self._receive()
        self._bytes += len(message.get("body", b""))
        self.over = not message.get("more_body", False)
        return message
