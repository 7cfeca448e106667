"""The relay from a record's outbox to the stream.

A save pushes its event onto the record's own `outbox` in the same write as the change. The relay publishes
it, waits for the broker's confirmation, and removes it from the outbox; a sweep finds the events that a crash
or an outage left.
Events of one record leave in the order of their versions; records are independent. The relay never touches
`version`.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from prometheus_client import Counter, Gauge

from common.base import jobs, times
from common.base.crash_points import reached
from common.base.errors import DatabaseError, Unavailable
from common.base.logs import Repetitions
from common.messaging.publisher import Envelope, Publishers
from common.persistence.coalescer import Coalescer
from common.persistence.mongo import ASCENDING, Collection, Document, Index, Query

log = logging.getLogger(__name__)

_LEFT = Gauge("outbox_records", "Records with an event that was left to the sweep", ["collection"])
_OLDEST = Gauge("outbox_oldest_seconds", "Age of the oldest event that was left to the sweep", ["collection"])
_REFUSALS = Counter("outbox_refusals", "Publications that the broker did not confirm", ["collection"])

SWEEP_SECONDS = 1.0
GRACE = timedelta(seconds=2)
SWEEP_LIMIT = 500
CLEAR_GATHER_SECONDS = 0.03

OUTBOX_INDEX = Index([("outbox.at", ASCENDING)], name="outbox_pending", sparse=True)


def entry_of(envelope: Envelope) -> Document:
    return {
        "id": envelope.id,
        "subject": envelope.subject,
        "data": envelope.data,
        "headers": envelope.headers,
        "at": times.now(),
    }


class Relay:
    def __init__(self, collection: Collection, publishers: Publishers) -> None:
        self._collection = collection
        self._publishers = publishers
        self._lanes: dict[str, deque[Document]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        # Queued, or published and not yet pulled: not to be published again by this process.
        self._known: set[str] = set()
        self._refusals = Repetitions()
        self._clear: Coalescer[tuple[str, str], None] = Coalescer(
            self._pull, limit=500, gather=CLEAR_GATHER_SECONDS
        )

    def wake(self, aggregate_id: str, outbox: Sequence[Document]) -> None:
        """Publishes the events of a record's outbox in the background, oldest first."""
        fresh = [entry for entry in outbox if entry["id"] not in self._known]
        if not fresh:
            return
        self._known.update(entry["id"] for entry in fresh)
        lane = self._lanes.get(aggregate_id)
        if lane is not None:
            lane.extend(fresh)
            return
        self._lanes[aggregate_id] = deque(fresh)
        task = asyncio.create_task(self._publish(aggregate_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def sweep(self) -> int:
        """Wakes the records whose events were left behind; returns how many it found, at most SWEEP_LIMIT."""
        query = {"outbox.at": {"$lte": times.now() - GRACE}}
        # No sort: the index is read from its beginning, and can't sort by a field of an array's elements.
        found = await self._collection.find(query, {"outbox": 1}, limit=SWEEP_LIMIT)
        for document in found:
            self.wake(document["_id"], document["outbox"])
        await self._show(query, found)
        return len(found)

    async def _show(self, query: Query, found: Sequence[Document]) -> None:
        count = len(found)
        if count == SWEEP_LIMIT:
            count = await self._collection.count_documents(query)
        oldest = min((entry["at"] for document in found for entry in document["outbox"]), default=None)
        _LEFT.labels(self._collection.name).set(count)
        age = 0 if oldest is None else (times.now() - oldest).total_seconds()
        _OLDEST.labels(self._collection.name).set(age)

    async def run(self) -> None:
        """Sweeps for as long as the service lives."""
        failures = Repetitions()
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await self.sweep()
                failures.over()
                jobs.succeeded(f"outbox_{self._collection.name}")
            except (DatabaseError, Unavailable) as error:
                if failures.is_due():
                    log.warning("outbox not swept", extra={"error": repr(error)})

    async def drained(self) -> None:
        """Returns when all that was woken is published and pulled, or was given up to the sweep."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self._clear.drained()

    async def _publish(self, aggregate_id: str) -> None:
        lane = self._lanes[aggregate_id]
        try:
            while lane:
                await self._send(lane[0])
                reached("after-publish")
                self._refusals.over()
                self._pull_later(aggregate_id, lane.popleft()["id"])
        except Unavailable as error:
            _REFUSALS.labels(self._collection.name).inc()
            # During an outage each event is refused again at each sweep: not a line for each.
            if self._refusals.is_due():
                about = {"error": str(error), "event": lane[0]["id"], "times": self._refusals.count}
                log.warning("event left to the sweep", extra=about)
        except Exception:
            log.exception("event can't be published", extra={"event": lane[0]["id"]})
        finally:
            self._known.difference_update(entry["id"] for entry in lane)
            del self._lanes[aggregate_id]

    async def _send(self, entry: Document) -> None:
        envelope = Envelope(entry["id"], entry["subject"], entry["data"], entry["headers"])
        await self._publishers.send(envelope)

    def _pull_later(self, aggregate_id: str, event_id: str) -> None:
        def forget(done: "asyncio.Future[None]") -> None:
            # Where the pull failed the sweep publishes once more; the stream drops the repetition.
            done.exception()
            self._known.discard(event_id)

        self._clear.enqueue((aggregate_id, event_id)).add_done_callback(forget)

    async def _pull(self, published: Sequence[tuple[str, str]]) -> Sequence[Exception | None]:
        ids: list[Any] = list({aggregate_id for aggregate_id, _ in published})
        events = [event_id for _, event_id in published]
        await self._collection.update_many(
            {"_id": {"$in": ids}}, {"$pull": {"outbox": {"id": {"$in": events}}}}
        )
        reached("after-clear")
        return [None] * len(published)
