"""Registry of the open pages of this process, by ticket, and the hints that wake them."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import Gauge
from pydantic import ValidationError

from client.live.ticket_cache import Ask, Holder, LiveTicket
from client.live.wakeup import Waiter, notify_all
from client.schemas import Ticket
from common.base.errors import TooManyTries, Unavailable
from common.contract.error_codes import ErrorCode
from common.contract.events import OrderCreated, Subject
from common.http.ended_sessions import EndedSessions
from common.http.networks import network_of
from common.messaging.events import VersionedEvent
from common.messaging.subscriptions.hints import Hints

log = logging.getLogger(__name__)

SUBJECTS = tuple(
    f"{subject}.*" for subject in (Subject.TICKET_UPDATED, Subject.TICKET_WITHDRAWN, Subject.ORDER_CREATED)
)
CONCURRENT_READS = 8
RETRY_AFTER_SECONDS = 30

_OPEN = Gauge("live_pages", "Open pages that receive the changes of their ticket")


class TooManyPages(Unavailable):
    """The limit of live pages is reached. The page itself works, without live updates."""

    code = ErrorCode.TOO_MANY_PAGES
    default_message = "Too many pages are open"

    def __init__(self) -> None:
        super().__init__()
        self.headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}


class TooManyPagesOfAddress(TooManyTries):
    """One address has as many live pages as it may. The page itself works, without live updates."""

    code = ErrorCode.TOO_MANY_PAGES
    default_message = "Too many pages of this address are open"

    def __init__(self) -> None:
        super().__init__(RETRY_AFTER_SECONDS)


@dataclass(frozen=True, slots=True)
class Limits:
    """Live pages of this process, and of one address (an IPv4 address, or an IPv6 /64)."""

    pages: int = 1_000
    of_address: int = 20


class OpenPage:
    """One open page, and the ticket that it shows.

    session_id: Of its viewer; "" for an anonymous one.
    """

    def __init__(self, live: "Live", live_ticket: LiveTicket, waiter: Waiter, session_id: str) -> None:
        self._live = live
        self._session_id = session_id
        self.live_ticket = live_ticket
        self.waiter = waiter

    async def current(self, version: int) -> Ticket:
        return await self.live_ticket.current(version, self._live.is_followed)

    def is_over(self) -> bool:
        """Whether the browser has to reconnect: the process stops, or the viewer's session has ended."""
        return self._live.is_closed or self._session_id in self._live.ended


class Live:
    """Live updates of all open pages, by one subscription for the process.

    While the broker is down, a page still receives the state when it opens.
    """

    def __init__(self, hints: Hints, limits: Limits, ended: EndedSessions) -> None:
        self._hints = hints
        self._limits = limits
        self.ended = ended
        self._of_session: dict[str, set[Waiter]] = {}
        ended.watch(self._session_ended)
        self._of_address = Counter[str]()
        self._tickets: dict[str, LiveTicket] = {}
        self._room = asyncio.Semaphore(CONCURRENT_READS)
        self._looks_again = False
        self.is_closed = False
        self.open_pages = 0

    async def follow(self) -> None:
        """Subscribes to the events that wake pages. Waits for the broker without limit."""
        await self._hints.subscribe(SUBJECTS, self._on_message, self._on_gap)

    @property
    def is_followed(self) -> bool:
        return self._hints.is_up()

    @contextmanager
    def open(self, ticket_id: str, ask: Ask, address: str, session_id: str = "") -> Iterator[OpenPage]:
        """Registers a page until the context ends. Raises TooManyPages or TooManyPagesOfAddress.

        session_id: Of its viewer; "" for an anonymous one.
        """
        network = network_of(address)
        if self._of_address[network] >= self._limits.of_address:
            raise TooManyPagesOfAddress()
        if self.is_closed or self.open_pages >= self._limits.pages:
            raise TooManyPages()
        live_ticket = self._tickets.setdefault(ticket_id, LiveTicket(ticket_id, self._room))
        waiter = Waiter()
        live_ticket.pages[waiter] = ask
        self._count(network, 1)
        of_session = self._of_session.setdefault(session_id, set())
        of_session.add(waiter)
        try:
            yield OpenPage(self, live_ticket, waiter, session_id)
        finally:
            self._count(network, -1)
            of_session.discard(waiter)
            if not of_session:
                self._of_session.pop(session_id, None)
            del live_ticket.pages[waiter]
            if not live_ticket.pages:
                del self._tickets[ticket_id]

    def close(self) -> None:
        """Ends every page's stream. The browsers reconnect, to a process that still runs."""
        self.is_closed = True
        for live_ticket in self._tickets.values():
            notify_all(live_ticket.pages)

    def _session_ended(self, session_id: str) -> None:
        notify_all(self._of_session.get(session_id, ()))

    def _count(self, network: str, more: int) -> None:
        self._of_address[network] += more
        if not self._of_address[network]:
            del self._of_address[network]
        self.open_pages += more
        _OPEN.inc(more)

    def _on_message(self, subject: str, data: bytes) -> None:
        kind, _, record_id = subject.rpartition(".")
        try:
            if kind == Subject.ORDER_CREATED:
                self._ordered(OrderCreated.model_validate_json(data))
            elif (live_ticket := self._tickets.get(record_id)) is not None:
                live_ticket.changed(VersionedEvent.model_validate_json(data).version)
        except ValidationError as error:
            log.warning("unreadable event skipped", extra={"event": subject, "error": repr(error)})

    def _ordered(self, order: OrderCreated) -> None:
        """Stores the holder of the ticket.

        This event precedes the ticket's own, so that pages learn the order's owner without a request.
        """
        if (live_ticket := self._tickets.get(order.ticket.id)) is not None:
            live_ticket.holder = Holder(order.id, order.user_id)

    def _on_gap(self) -> None:
        """Schedules one refresh of all tickets, however often it is called before that refresh runs."""
        if not self._looks_again:
            self._looks_again = True
            asyncio.get_running_loop().call_soon(self._refresh_all)

    def _refresh_all(self) -> None:
        self._looks_again = False
        for live_ticket in self._tickets.values():
            # A later order's event may be among the lost ones.
            live_ticket.holder = None
            live_ticket.refresh()
