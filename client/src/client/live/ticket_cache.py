"""One ticket that pages are open on: its newest state, asked for once for all of them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from client.live.wakeup import Waiter
from client.schemas import Ticket
from common.base.errors import NotFound

log = logging.getLogger(__name__)

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 5.0

Ask = Callable[[], Awaitable[Ticket]]
"""The ticket, as anybody may see it."""


class Holder(NamedTuple):
    order_id: str
    user_id: str


@dataclass(eq=False, slots=True)
class LiveTicket:
    """An event says only that there is more to know; the API, which is never behind an event, says what."""

    id: str
    room: asyncio.Semaphore
    """Bounds how many tickets one process asks for at a time."""
    pages: dict[Waiter, Ask] = field(default_factory=dict)
    ticket: Ticket | None = None
    holder: Holder | None = None
    """Of the latest order of it that was heard of."""
    _wanted: int = -1
    _stale: bool = False
    _asking: asyncio.Task[None] | None = None
    _pursuit: asyncio.Task[None] | None = None

    async def current(self, version: int, is_followed: bool) -> Ticket:
        """Its state, `version` or a later one where there is such. Raises what the API raised."""
        if self.ticket is None or not is_followed or self.ticket.version < version:
            await self._refresh_now()
        if self.ticket is None or self.ticket.version < version:
            # Somebody else had asked already, before that version was written.
            await self._refresh_now()
        assert self.ticket is not None
        return self.ticket

    def changed(self, version: int) -> None:
        self._wanted = max(self._wanted, version)
        self._pursue()

    def refresh(self) -> None:
        """Something may not have been heard."""
        self._stale = True
        self._pursue()

    @property
    def _is_behind(self) -> bool:
        return self._stale or (self.ticket is not None and self._wanted > self.ticket.version)

    def _pursue(self) -> None:
        if (self._pursuit is None or self._pursuit.done()) and self._is_behind:
            self._pursuit = asyncio.create_task(self._catch_up())

    async def _catch_up(self) -> None:
        """Asks until nothing newer is known to be, while a page is open; in vain, ever less often."""
        pause = FIRST_PAUSE
        while self.pages and self._is_behind:
            known = self.ticket
            try:
                await self._refresh_now()
            except Exception as error:
                log.warning(
                    "a live ticket can't be looked at", extra={"ticket": self.id, "error": repr(error)}
                )
                self._stale = True
            pause = FIRST_PAUSE if self.ticket is not known else min(2 * pause, LONGEST_PAUSE)
            if self._is_behind:
                await asyncio.sleep(pause)

    async def _refresh_now(self) -> None:
        """Asks, or waits for the answer that somebody asked for already."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
            self._asking.add_done_callback(_seen)
        await asyncio.shield(self._asking)

    async def _ask(self) -> None:
        async with self.room:
            self._stale = False
            ask = next(iter(self.pages.values()), None)
            if ask is None:
                return
            try:
                found = await ask()
            except NotFound:
                if self.ticket is None:
                    raise
                found = self._withdrawn(self.ticket)
        if self.ticket is None or found.version > self.ticket.version:
            self.ticket = found
            self._pursue()
            for waiter in self.pages:
                waiter.notify()

    def _withdrawn(self, ticket: Ticket) -> Ticket:
        """The API doesn't know a ticket that was withdrawn; the pages that showed it do."""
        later = ticket.version if ticket.status == "withdrawn" else ticket.version + 1
        return ticket.model_copy(update={"status": "withdrawn", "version": max(self._wanted, later)})


def _seen(task: asyncio.Task[None]) -> None:
    """Whoever waited has its exception; perhaps nobody does any more."""
    if not task.cancelled():
        task.exception()
