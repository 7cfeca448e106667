"""Stream of server-sent events to one page.

Format: https://html.spec.whatwg.org/multipage/server-sent-events.html.
"""

import asyncio
import random
import re
from collections.abc import Awaitable, Callable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from client.live.pages import Live, OpenPage
from client.live.ticket_cache import Ask, Holder
from client.live.wakeup import Wakeup
from client.schemas import Ticket
from common.base import times
from common.base.errors import AppError, NotFound

HEARTBEAT_SECONDS = 15.0
"""Interval of comments on an idle stream. Proxies close a stream that is idle longer: nginx after 60 s."""
LIFETIME_SECONDS = (600.0, 900.0)
"""Range of a stream's random lifetime.

After it the browser reconnects: new pods get their share of the pages.
"""
RETRY_MILLISECONDS = (1_000, 3_000)
"""Range of the random reconnection delay. It spreads the pages of a stopped pod over time."""
SEND_TIMEOUT_SECONDS = 10.0
"""Longest wait until a slow browser accepts a message."""
RENDER_AGAIN_SECONDS = 2.0
"""Pause after a failed rendering."""

Render = Callable[[Ticket, Holder | None], Awaitable[str]]
"""Renders the state as HTML for the user of this page. Raises the error of an API."""

_LINES = re.compile("\r\n|\r|\n")


def message(event: str, text: str, version: int | None = None) -> bytes:
    """One event on the wire. version: The event's `id`.

    A browser that reconnects sends the id back; it has no effect, since a stream starts with the state.
    """
    lines = [f"event: {event}", *([] if version is None else [f"id: {version}"])]
    lines += [f"data: {line}" for line in _LINES.split(text)]
    return "\n".join([*lines, "", ""]).encode()


class LiveAnswer(Response):
    """Streams the state at once, then whenever it changes. A slow page receives only the newest state."""

    media_type = "text/event-stream"

    def __init__(
        self, live: Live, ticket_id: str, version: int, ask: Ask, render: Render, session_id: str = ""
    ) -> None:
        """session_id: Of the viewer, whose stream ends with the session; "" for an anonymous one."""
        self.status_code = 200
        self.background = None
        self.init_headers({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._live = live
        self._ticket_id = ticket_id
        self._version = version
        self._ask = ask
        self._render = render
        self._session_id = session_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises the errors of `Live.open`, and that of the API, before the response has begun."""
        client = scope.get("client")
        address = "" if client is None else client[0]
        with self._live.open(self._ticket_id, self._ask, address, self._session_id) as page:
            is_there = await self._is_there(page)
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            try:
                if is_there:
                    wakeup = await self._stream(page, receive, send)
                else:
                    wakeup = await self._close_stream(send)
            except TimeoutError:
                # The browser accepts no data. The server closes the connection of an incomplete response.
                return
            if wakeup is not Wakeup.DISCONNECTED:
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _is_there(self, page: OpenPage) -> bool:
        try:
            await page.current(self._version)
        except NotFound:
            return False
        return True

    async def _close_stream(self, send: Send) -> Wakeup:
        """Sends the event `gone`.

        Not a 404: a script in the browser can't distinguish one from a failure, and would reconnect.
        """
        await _send(send, message("gone", "This ticket is not there any more"))
        return Wakeup.TIMED_OUT

    async def _stream(self, page: OpenPage, receive: Receive, send: Send) -> Wakeup:
        """Streams until the browser disconnects, the lifetime or the session ends, or the process stops."""
        sent, wakeup = (-1, False), Wakeup.NOTIFIED
        clock = asyncio.get_running_loop().time
        over = clock() + random.uniform(*LIFETIME_SECONDS)
        await _send(send, f"retry: {random.randint(*RETRY_MILLISECONDS)}\n\n".encode())
        while wakeup is not Wakeup.DISCONNECTED and not page.is_over() and clock() < over:
            silence = HEARTBEAT_SECONDS
            ticket = page.live_ticket.ticket
            # Nothing changes a ticket when the day of its event ends.
            shown = sent if ticket is None else (ticket.version, ticket.is_over(times.now()))
            if ticket is not None and shown != sent:
                try:
                    html = await self._render(ticket, page.live_ticket.holder)
                except AppError:
                    if page.is_over():
                        break
                    silence = RENDER_AGAIN_SECONDS
                else:
                    await _send(send, message("state", html, ticket.version))
                    sent = shown
                    continue
            elif wakeup is Wakeup.TIMED_OUT:
                await _send(send, b":\n\n")
                # A notification during it would be missed: look again before the wait.
                wakeup = Wakeup.NOTIFIED
                continue
            wakeup = await page.waiter.wait(receive, silence)
        return wakeup


async def _send(send: Send, body: bytes) -> None:
    """Sends a part of the body. Raises TimeoutError after SEND_TIMEOUT_SECONDS."""
    async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
        await send({"type": "http.response.body", "body": body, "more_body": True})
