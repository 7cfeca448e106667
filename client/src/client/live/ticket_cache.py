"""Cache of one ticket's newest state: one request to the API serves all open pages of the ticket."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from client.live.wakeup import Waiter, notify_all
from client.schemas import Ticket
from common.base.errors import NotFound

log = logging.getLogger(__name__)

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 5.0

Ask = Callable[[], Awaitable[Ticket]]
"""Requests the ticket from the API without a user, as any visitor sees it."""


class Holder(NamedTuple):
    """The order that holds a ticket, and its buyer."""

    order_id: str
    user_id: str


@dataclass(eq=False, slots=True)
class LiveTicket:
    """Newest state of a ticket with open pages.

    An event announces a new version; the API, which is never behind an event, provides the state.
    """

    id: str
    room: asyncio.Semaphore
    """Limit on the concurrent requests of one process."""
    pages: dict[Waiter, Ask] = field(default_factory=dict)
    ticket: Ticket | None = None
    holder: Holder | None = None
    """Holder by the latest order event of this ticket."""
    _wanted: int = -1
    _stale: bool = False
    _asking: asyncio.Task[None] | None = None
    _pursuit: asyncio.Task[None] | None = None

    async def current(self, version: int, is_followed: bool) -> Ticket:
        """The ticket, at `version` or later if the API has such a version. Raises the error of the API."""
        if self.ticket is None or not is_followed or self.ticket.version < version:
            await self._refresh_now()
        if self.ticket is None or self.ticket.version < version:
            # The request may have been another page's, sent before that version was written.
            await self._refresh_now()
        assert self.ticket is not None
        return self.ticket

    def changed(self, version: int) -> None:
        """Requests the ticket until `version` has arrived."""
        self._wanted = max(self._wanted, version)
        self._pursue()

    def refresh(self) -> None:
        """Requests the ticket again, since events may have been lost."""
        self._stale = True
        self._pursue()

    @property
    def _is_behind(self) -> bool:
        return self._stale or (self.ticket is not None and self._wanted > self.ticket.version)

    def _pursue(self) -> None:
        if (self._pursuit is None or self._pursuit.done()) and self._is_behind:
            self._pursuit = asyncio.create_task(self._catch_up())

    async def _catch_up(self) -> None:
        """Requests the ticket until it is as new as the newest event, while a page is open.

        The pause between requests without a change doubles, from FIRST_PAUSE to LONGEST_PAUSE seconds.
        """
        pause = FIRST_PAUSE
        while self.pages and self._is_behind:
            known = self.ticket
            try:
                await self._refresh_now()
            except Exception as error:
                log.warning("live ticket not refreshed", extra={"ticket": self.id, "error": repr(error)})
                self._stale = True
            pause = FIRST_PAUSE if self.ticket is not known else min(2 * pause, LONGEST_PAUSE)
            if self._is_behind:
                await asyncio.sleep(pause)

    async def _refresh_now(self) -> None:
        """Requests the ticket, or waits for the response to a request that is already under way."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
            self._asking.add_done_callback(_retrieve_exception)
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
            notify_all(self.pages)

    def _withdrawn(self, ticket: Ticket) -> Ticket:
        """The cached ticket as withdrawn, for the pages that show it: the API responds with NotFound."""
        later = ticket.version if ticket.status == "withdrawn" else ticket.version + 1
        return ticket.model_copy(update={"status": "withdrawn", "version": max(self._wanted, later)})


def _retrieve_exception(task: asyncio.Task[None]) -> None:
    """Marks the exception as retrieved: pages that wait receive it, but all may have left by then."""
    if not task.cancelled():
        task.exception()
