"""Server-sent events to one page: https://html.spec.whatwg.org/multipage/server-sent-events.html."""

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from client.live.pages import Live, OpenPage
from client.live.ticket_cache import Ask, Holder
from client.live.wakeup import Wakeup
from client.schemas import Ticket
from common.base.errors import AppError, NotFound

HEARTBEAT_SECONDS = 15.0
"""Proxies end what is silent for longer: nginx after 60 s."""
LIFETIME_SECONDS = (600.0, 900.0)
"""Then the browser comes again: who has signed out meanwhile is known, and new pods get their share."""
RETRY_MILLISECONDS = (1_000, 3_000)
"""Of chance, so that all pages of a pod that stops don't come to the others in one instant."""
TAKING_SECONDS = 10.0
RENDER_AGAIN_SECONDS = 2.0

Render = Callable[[Ticket, Holder | None], Awaitable[str]]
"""The state as HTML, for whoever looks at this page. Raises what an API raised."""

_LINES = re.compile("\r\n|\r|\n")


def message(event: str, text: str, version: int | None = None) -> bytes:
    """On reconnecting the browser names `version`, which changes nothing: it is told the state at once."""
    lines = [f"event: {event}", *([] if version is None else [f"id: {version}"])]
    lines += [f"data: {line}" for line in _LINES.split(text)]
    return "\n".join([*lines, "", ""]).encode()


class LiveAnswer(Response):
    """The state at once, then whenever it changes; only the newest one, to a page that takes it slowly."""

    media_type = "text/event-stream"

    def __init__(self, live: Live, ticket_id: str, version: int, ask: Ask, render: Render) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._live = live
        self._ticket_id = ticket_id
        self._version = version
        self._ask = ask
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # ASGI's
        """Raises TooManyPages, and what the API raised, before the answer has begun."""
        with self._live.open(self._ticket_id, self._ask) as page:
            is_there = await self._is_there(page)
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            try:
                if is_there:
                    woke = await self._stream(page, receive, send)
                else:
                    woke = await self._say_goodbye(send)
            except TimeoutError:
                # It takes nothing: the server closes under an answer that has no end.
                return
            if woke is not Wakeup.DISCONNECTED:
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _is_there(self, page: OpenPage) -> bool:
        try:
            await page.current(self._version)
        except NotFound:
            return False
        return True

    async def _say_goodbye(self, send: Send) -> Wakeup:
        """An event: a browser's script can't tell a 404 from a failure, after which it would come again."""
        await _tell(send, message("gone", "This ticket is not there any more"))
        return Wakeup.TIMED_OUT

    async def _stream(self, page: OpenPage, receive: Receive, send: Send) -> Wakeup:
        """Ends when the browser has left, when its time is over, or when the process stops."""
        told, woke = -1, Wakeup.NOTIFIED
        over = time.monotonic() + random.uniform(*LIFETIME_SECONDS)
        await _tell(send, f"retry: {random.randint(*RETRY_MILLISECONDS)}\n\n".encode())
        while woke is not Wakeup.DISCONNECTED and not page.is_over and time.monotonic() < over:
            silence = HEARTBEAT_SECONDS
            ticket = page.live_ticket.ticket
            if ticket is not None and ticket.version != told:
                try:
                    html = await self._render(ticket, page.live_ticket.holder)
                except AppError:
                    silence = RENDER_AGAIN_SECONDS
                else:
                    await _tell(send, message("state", html, ticket.version))
                    told = ticket.version
                    continue
            elif woke is Wakeup.TIMED_OUT:
                await _tell(send, b":\n\n")
            woke = await page.waiter.wait(receive, silence)
        return woke


async def _tell(send: Send, body: bytes) -> None:
    """Raises TimeoutError."""
    async with asyncio.timeout(TAKING_SECONDS):
        await send({"type": "http.response.body", "body": body, "more_body": True})
