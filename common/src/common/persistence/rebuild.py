"""Rebuilds a service's replica from the stream, while the service serves and goes on consuming.

The stream's history is replayed, in order of version, into a scratch collection of this run. Then the live
replica is compared record by record: a missing one is inserted, a different one replaced, one without any
event deleted. Each of these is one write, guarded by the version that was read: a change that the service's
consumer applies meanwhile wins, and the record is compared again.

The scratch collection is not renamed over the live one: events that the consumer applies between the last
reading and the renaming would be lost, or the service would have to pause. Repair in place needs neither,
and a correct record is not written.

The order of reading makes this sound: first the live record, then the stream to its present end. The
consumer applies only events of the stream, so a correct live record is never beyond what is then read.

Memory holds one batch of events and one page of records, however long the history is.
"""

import asyncio
import logging
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from common.base.errors import DatabaseError, DuplicateKey, Unavailable
from common.messaging.jetstream.stream import JetStream
from common.messaging.nats_connection import Identity
from common.messaging.stream import Stream, StreamSpec
from common.persistence.batching import DocumentWriter
from common.persistence.mongo import ASCENDING, DESCENDING, Collection, Document
from common.persistence.replay import (
    CannotRepair,
    Projection,
    Replay,
    by_id,
    clear_up,
    scratch_of,
)

log = logging.getLogger(__name__)

PAGE = 500
ROUNDS = 50
DOUBTS = 4
DOUBT_SECONDS = 0.25
CONNECT_SECONDS = 15.0


class Refused(Exception):
    """The command can't do its work here; the message says why."""


class NothingKnown(Refused):
    """The stream has no event of a replica that has records: it is not the stream of this replica."""


@dataclass
class Report:
    events: int = 0
    unreadable: int = 0
    records: int = 0
    gaps: int = 0
    seconds: float = 0.0
    mended: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        total = sum(self.mended.values())
        what = ", ".join(f"{count} {kind}" for kind, count in sorted(self.mended.items()))
        lines = [
            f"events     {self.events} read, {self.unreadable} of them unreadable",
            f"records    {self.records}, {self.gaps} of them with a gap in their events",
            f"mended     {total}{f': {what}' if what else ''}",
            f"seconds    {self.seconds:.2f}, {self.events / max(self.seconds, 0.001):.0f} events/s",
        ]
        return "\n".join(lines)


class Rebuild:
    def __init__(self, stream: Stream, live: Collection, projection: Projection) -> None:
        self._live = live
        self._writer = DocumentWriter(live)
        self._projection = projection
        self._report = Report()
        self._scratch = Replay(stream, scratch_of(live), projection)

    async def run(self) -> Report:
        """Raises NothingKnown, having changed nothing, and `errors.Unavailable` or `errors.DatabaseError`.

        After any of them it may be run again, as also after a crash.
        """
        started = time.perf_counter()
        await clear_up(self._live)
        try:
            await self._scratch.catch_up()
            if self._scratch.events == 0 and await self._live.find_one({}, {"_id": 1}) is not None:
                raise NothingKnown(f"the stream knows nothing of {self._live.name}")
            async for ids in self._pages():
                await self._settle(ids)
            self._report.events = self._scratch.events
            self._report.unreadable = self._scratch.unreadable
            self._report.records = await self._scratch.documents.count_documents({})
            self._report.gaps = await self._scratch.documents.count_documents({"ahead": {"$exists": True}})
        finally:
            await self._scratch.documents.drop()
        self._report.seconds = time.perf_counter() - started
        return self._report

    async def _pages(self) -> AsyncIterator[Sequence[str]]:
        """The ids of the live replica and the stream alike, by order of id, up to the last one of now.

        Records that are created later are the consumer's: otherwise a busy shop would keep this from ending.
        """
        both = (self._live, self._scratch.documents)
        last = max([await _last_id(collection) for collection in both])
        after = ""
        while after < last:
            page = sorted({found for collection in both for found in await _ids(collection, after)})[:PAGE]
            if not page:
                return
            yield page
            after = page[-1]

    async def _settle(self, ids: Sequence[str]) -> None:
        """Compares the records until each was seen to be correct."""
        waiting, doubts = list(ids), Counter[str]()
        for _ in range(ROUNDS):
            live = await by_id(self._live, waiting)
            await self._scratch.catch_up()
            wanted = await self._scratch.find(waiting)
            before = doubts.total()
            settled = await asyncio.gather(
                *(self._mend(found, live.get(found), wanted.get(found), doubts) for found in waiting)
            )
            waiting = [found for found, done in zip(waiting, settled, strict=True) if not done]
            if not waiting:
                return
            if doubts.total() > before:
                await asyncio.sleep(DOUBT_SECONDS)
        self._report.mended["left unsettled"] += len(waiting)

    async def _mend(
        self, record_id: str, live: Document | None, folded: Document | None, doubts: Counter[str]
    ) -> bool:
        """True once the live record is right; False to look at it again.

        A record beyond the stream's end counts as wrong only after several readings: a replica of the broker
        may be a moment behind.
        """
        if folded is None:
            return live is None or (_is_certain(record_id, doubts) and await self._delete(live))
        if folded["version"] < 0:
            # Its first event can't be read, so the live record stays.
            return True
        if live is not None and live["version"] > folded["version"]:
            if "ahead" in folded:
                return True
            if not _is_certain(record_id, doubts):
                return False
        whole = {"_id": record_id, "version": folded["version"], **folded["fields"]}
        try:
            changed = self._projection.repair_effect is not None and await self._projection.repair_effect(
                whole
            )
        except CannotRepair as blocked:
            if not _is_certain(record_id, doubts):
                return False
            log.warning("not made good", extra={"record": record_id, "why": str(blocked)})
            self._report.mended["blocked"] += 1
            return True
        if changed:
            self._report.mended["effects made good"] += 1
        written = await self._write(live, self._projection.kept(whole))
        return written and not changed

    async def _write(self, live: Document | None, wanted: Document) -> bool:
        """False if the consumer was faster."""
        if live is None:
            try:
                await self._writer.insert(wanted)
            except DuplicateKey:
                return False
            self._report.mended["missing"] += 1
        elif live != wanted:
            guard = {"_id": live["_id"], "version": live["version"]}
            if not await self._live.replace_one(guard, wanted):
                return False
            self._report.mended[_kind(live["version"], wanted["version"])] += 1
        return True

    async def _delete(self, live: Document) -> bool:
        deleted = await self._live.delete_one({"_id": live["_id"], "version": live["version"]})
        self._report.mended["unknown to the stream"] += deleted
        return deleted


def _is_certain(record_id: str, doubts: Counter[str]) -> bool:
    doubts[record_id] += 1
    return doubts[record_id] >= DOUBTS


def _kind(live: int, wanted: int) -> str:
    if live == wanted:
        return "wrong"
    return "behind" if live < wanted else "ahead"


async def _last_id(collection: Collection) -> str:
    document = await collection.find_one({}, {"_id": 1}, sort=[("_id", DESCENDING)])
    return "" if document is None else document["_id"]


async def _ids(collection: Collection, after: str) -> Sequence[str]:
    query, order = {"_id": {"$gt": after}}, [("_id", ASCENDING)]
    return [document["_id"] for document in await collection.find(query, {"_id": 1}, sort=order, limit=PAGE)]


def command(
    name: str,
    nats_url: str,
    spec: StreamSpec,
    work: Callable[[Stream], Awaitable[object]],
    before: Callable[[JetStream], Awaitable[None]] | None = None,
    *,
    identity: Identity | None = None,
) -> int:
    """Runs `work` over a connection of its own, prints its report, and returns the exit code.

        before: Runs first; raises Refused where the work must not begin.
    identity: The service's user of the broker.
    """
    stream = JetStream(nats_url, f"{name}-command", spec, identity=identity)
    return asyncio.run(_command(stream, work, before))


async def _command(
    stream: JetStream,
    work: Callable[[Stream], Awaitable[object]],
    before: Callable[[JetStream], Awaitable[None]] | None,
) -> int:
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await stream.connect(declare=False)
            if before is not None:
                await before(stream)
        report = await work(stream)
    except (Refused, Unavailable, DatabaseError, TimeoutError) as error:
        sys.stderr.write(f"Not done: {type(error).__name__}: {error}\n")
        return 1
    finally:
        await stream.close()
    sys.stdout.write(f"{report}\n")
    return 0
