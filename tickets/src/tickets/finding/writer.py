"""Applies ticket events to the index, and commits them. Runs in the one thread that writes."""

import logging
import time
from collections import OrderedDict
from collections.abc import Sequence

from common.base import times
from common.contract.details import first_day
from common.contract.events import Subject, TicketCreated, TicketUpdated, TicketWithdrawn
from common.messaging.events import Unreadable, read
from common.messaging.stream import Stored
from tickets.finding import metrics
from tickets.finding.entries import Entry
from tickets.finding.index import Index

log = logging.getLogger(__name__)

REPLAY_SECONDS = 5.0
"""Pause between two commits while the history is read."""
PURGE_SECONDS = 600.0
"""Pause between two removals of what is over."""
KNOWN_VERSIONS = 20_000

TicketEvent = TicketCreated | TicketUpdated | TicketWithdrawn
_KINDS: dict[str, type[TicketEvent]] = {
    Subject.TICKET_CREATED: TicketCreated,
    Subject.TICKET_UPDATED: TicketUpdated,
    Subject.TICKET_WITHDRAWN: TicketWithdrawn,
}


class Writer:
    def __init__(self, index: Index) -> None:
        self._index = index
        self._position = index.position
        self._committed = time.monotonic()
        self._purged = 0.0
        self._latest: Stored | None = None
        self._versions: OrderedDict[str, int] = OrderedDict()
        """Of the tickets that changed last: a second publication of an earlier version changes nothing."""

    def apply(self, events: Sequence[Stored], at_end: bool) -> None:
        """Writes these events; commits all that is written if `at_end`, or after REPLAY_SECONDS.

        at_end: Whether the stream has no further event now. Raises `index.Broken`.
        """
        for stored in events:
            self._apply(stored)
            self._position, self._latest = stored.sequence, stored
        now = time.monotonic()
        if at_end and now - self._purged > PURGE_SECONDS:
            self._index.remove_before(first_day(times.now()))
            self._purged = now
            self._commit()
        elif self._position > self._index.position and (at_end or now - self._committed > REPLAY_SECONDS):
            self._commit()

    def _commit(self) -> None:
        self._index.commit(self._position)
        self._committed = time.monotonic()
        metrics.COMMITS.inc()
        metrics.DOCUMENTS.set(self._index.documents)
        if self._latest is not None:
            metrics.LAG.set(max(0.0, times.now().timestamp() - self._latest.at.timestamp()))

    def _apply(self, stored: Stored) -> None:
        kind = _KINDS.get(stored.subject.rpartition(".")[0])
        if kind is None:
            return
        try:
            event = read(kind, stored.data, stored.headers)
        except Unreadable as error:
            log.warning("ticket event not indexed", extra={"event": stored.subject, "error": str(error)})
            return
        if self._is_next(event):
            self._put(event)

    def _is_next(self, event: TicketEvent) -> bool:
        if event.version <= self._versions.get(event.id, -1):
            return False
        self._versions[event.id] = event.version
        self._versions.move_to_end(event.id)
        if len(self._versions) > KNOWN_VERSIONS:
            self._versions.popitem(last=False)
        return True

    def _put(self, event: TicketEvent) -> None:
        if isinstance(event, TicketWithdrawn) or _is_taken(event) or _is_over(event):
            self._index.remove(event.id)
        else:
            self._index.put(Entry.of(event))


def _is_over(event: TicketCreated | TicketUpdated) -> bool:
    return event.details is not None and event.details.is_over(times.now())


def _is_taken(event: TicketCreated | TicketUpdated) -> bool:
    return isinstance(event, TicketUpdated) and (event.order_id is not None or bool(event.withdrawn))
