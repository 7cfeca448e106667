"""Brings an owner's records forward to its own events, after its database was restored from a backup.

A restored database has older versions than its events in the stream. Without this, the next changes would
reuse the versions of published ones, and every consumer would drop them as known.

The owner's events are replayed into a scratch collection, in order of version. A record that is missing, or
older than its last published version, is stored at exactly that version, with an empty outbox: its events are
in the stream. A record at its last published version, or beyond, stays as it is: the outbox of the backup
holds the events that the stream lacks.

Records that are there are brought forward before missing ones are inserted, so that a unique key that one of
them gave up since the backup is free. Each write is guarded by the version that was read. Memory holds one
batch of events and one page of records, and a run that was killed is run again.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import orjson

from common.base import times
from common.base.errors import DuplicateKey
from common.messaging.jetstream.pull_consumer import translated
from common.messaging.jetstream.stream import JetStream
from common.messaging.nats_connection import Identity
from common.messaging.stream import Stream, StreamSpec
from common.persistence import rebuild
from common.persistence.aggregate import Aggregate
from common.persistence.batching import DocumentWriter
from common.persistence.mongo import ASCENDING, Collection, Database, Document
from common.persistence.own_events import RESTORING
from common.persistence.rebuild import Refused, Report
from common.persistence.replay import Projection, by_id, replayed
from common.persistence.repository import Repository, change_to

log = logging.getLogger(__name__)

A = TypeVar("A", bound=Aggregate)

PAGE = 500
INFO_SECONDS = 5.0

Restore = Callable[[Sequence[Document], Mapping[str, Document]], Awaitable[Sequence[A]]]
"""Makes the aggregates of `{_id, version, **fields}`, given the stored documents by id.

A record that can't be made yet is left out, and reported.
"""


class StillRunning(Refused):
    """A process of the service consumes: its next change might reuse a version."""


class Unfinished(Refused):
    """Some records are not restored; the message is the summary."""


@dataclass
class RolledForward:
    """Counts of records. `beyond`: has unpublished versions, which its outbox is to publish."""

    name: str
    known: int = 0
    forward: int = 0
    missing: int = 0
    beyond: int = 0
    gaps: int = 0
    left: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [
            f"{self.name:<10} {self.known} in the stream",
            f"forward    {self.forward} brought to their last published version, {self.missing} put back",
            f"beyond     {self.beyond} with changes that the stream lacks and the outbox publishes",
            f"gaps       {self.gaps} with a version that is missing in the stream: restored up to it",
        ]
        if self.left:
            lines.append(f"LEFT       {len(self.left)}: {', '.join(self.left[:20])}")
        return "\n".join(lines)


class RollForward(Generic[A]):
    def __init__(
        self, stream: Stream, repository: Repository[A], projection: Projection, restore: Restore[A]
    ) -> None:
        """
        projection: The owner's own events, and the fields that each sets.
        restore: Makes the aggregates of a page of records.
        """
        self._stream = stream
        self._repository = repository
        self._stored = repository.documents
        self._writer = DocumentWriter(repository.documents)
        self._projection = projection
        self._restore = restore
        self._report = RolledForward(repository.collection)

    async def run(self) -> RolledForward:
        """Raises `errors.Unavailable` or `errors.DatabaseError`; it may be run again after any of them."""
        await self._repository.prepare()
        async with replayed(self._stream, self._stored, self._projection) as published:
            self._report.known = await published.documents.count_documents({})
            self._report.gaps = await published.documents.count_documents({"ahead": {"$exists": True}})
            async for page in pages(published.documents):
                await self._bring_forward(page)
            async for page in pages(published.documents):
                await self._put_back(page)
        return self._report

    async def _bring_forward(self, page: Sequence[Document]) -> None:
        stored = await by_id(self._stored, [record["_id"] for record in page])
        there = [record for record in page if record["_id"] in stored]
        self._report.beyond += sum(stored[r["_id"]]["version"] > r["version"] for r in there)
        behind = [record for record in there if stored[record["_id"]]["version"] < record["version"]]
        self._report.forward += await self._store(behind, stored, self._update)

    async def _put_back(self, page: Sequence[Document]) -> None:
        stored = await by_id(self._stored, [record["_id"] for record in page])
        missing = [record for record in page if record["_id"] not in stored]
        self._report.missing += await self._store(missing, stored, self._insert)

    async def _store(
        self,
        records: Sequence[Document],
        stored: Mapping[str, Document],
        write: Callable[[A, Document | None], Awaitable[bool]],
    ) -> int:
        if not records:
            return 0
        made = await self._restore([_flat(record) for record in records], stored)
        done = await asyncio.gather(*(write(one, stored.get(one.id)) for one in made))
        written = {one.id for one, stands in zip(made, done, strict=True) if stands}
        left = [record["_id"] for record in records if record["_id"] not in written]
        if left:
            log.warning("not restored", extra={"records": left})
        self._report.left += left
        return len(written)

    def _state(self, record: A) -> Document:
        return {**self._repository.to_document(record), "version": record.version, "outbox": []}

    async def _update(self, record: A, stored: Document | None) -> bool:
        """Keeps the fields that this release doesn't know, as each save does."""
        assert stored is not None
        guard = {"_id": record.id, "version": stored["version"]}
        return await self._stored.update_one(guard, change_to(self._state(record)))

    async def _insert(self, record: A, _stored: Document | None) -> bool:
        state = {name: value for name, value in self._state(record).items() if value is not None}
        try:
            await self._writer.insert({"_id": record.id, **state})
        except DuplicateKey:
            return False
        return True


def command(
    service: str,
    nats_url: str,
    spec: StreamSpec,
    work: Callable[[Stream], Awaitable[object]],
    *,
    identity: Identity | None = None,
) -> int:
    """Runs `work` if no process of the service consumes; prints its report, returns the exit code.

    service: Name of the service, which is that of its durable consumer.
    identity: The service's user of the broker.
    """

    async def require_stopped(stream: JetStream) -> None:
        subject = f"$JS.API.CONSUMER.INFO.{spec.name}.{service}"
        with translated("The consumer can't be asked for"):
            answer = await stream.client.request(subject, b"", timeout=INFO_SECONDS)
        if orjson.loads(answer.data).get("num_waiting", 0):
            raise StillRunning(f"{service} runs: stop every process of it first")

    return rebuild.command(service, nats_url, spec, work, require_stopped, identity=identity)


@asynccontextmanager
async def marked(database: Database) -> AsyncIterator[None]:
    """Keeps the service from beginning until the block has ended, also where it is broken off at first."""
    marks = database[RESTORING]
    await marks.update_one({"_id": "run"}, {"$set": {"at": times.now()}}, upsert=True)
    try:
        yield
    except Unfinished:
        await marks.drop()
        raise
    await marks.drop()


def summary(own: RolledForward, replicas: Report, *more: object) -> str:
    """The text for the operator. Raises Unfinished, with that text, where a record is not restored."""
    text = "\n".join(str(part) for part in (own, "replicas:", replicas, *more))
    if own.left or replicas.mended["blocked"] or replicas.mended["left unsettled"]:
        raise Unfinished(text)
    return text


def _flat(record: Document) -> Document:
    return {"_id": record["_id"], "version": record["version"], **record["fields"]}


async def pages(replayed: Collection) -> AsyncIterator[Sequence[Document]]:
    """The replayed records that have a version, in order of id."""
    after, order = "", [("_id", ASCENDING)]
    while True:
        query = {"_id": {"$gt": after}, "version": {"$gte": 0}}
        page = await replayed.find(query, sort=order, limit=PAGE)
        if page:
            yield page
        if len(page) < PAGE:
            return
        after = page[-1]["_id"]
