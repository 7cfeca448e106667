"""Replays a stream's history into documents, one a record (the field's term: a projection)."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from common.base import times
from common.base.ids import is_id, made_at, new_id
from common.messaging.events import AggregateEvent, VersionedEvent, read
from common.messaging.publisher import change_of
from common.messaging.stream import Stored, Stream
from common.persistence.mongo import Collection, Document

log = logging.getLogger(__name__)

AHEAD_LIMIT = 100
"""Most versions of a record that are kept while an earlier one is missing."""
LEFT_BEHIND = timedelta(days=1)
"""Age from which a scratch collection belongs to a run that was killed."""


class CannotRepair(Exception):
    """The effect can't be repaired now: another record has to change first."""


@dataclass(frozen=True, slots=True)
class Projection:
    """How a record follows from its owner's events.

    events: Kinds of event to replay.
    fields: Fields that an event sets.
    kept: Makes the live document from `{_id, version}` and all fields.
    repair_effect: For a replica that records how far effects on other documents came. Repairs a missing
        effect of the record's events, before the version is stored; must be idempotent; returns whether
        it changed anything. Raises CannotRepair.
    """

    events: Sequence[type[AggregateEvent]]
    fields: Callable[[Any], Mapping[str, Any]]
    kept: Callable[[Document], Document] = dict
    repair_effect: Callable[[Document], Awaitable[bool]] | None = None


_Change = tuple[AggregateEvent, int]
"""An event and the version that it gave its record."""


class Replay:
    """The history as documents `{_id, version, fields, ahead?}`; `ahead` keeps versions that came early."""

    def __init__(self, stream: Stream, documents: Collection, projection: Projection) -> None:
        self.documents = documents
        self._stream = stream
        self._fields = projection.fields
        self._types = {str(event.subject): event for event in projection.events}
        self.events = 0
        self.unreadable = 0
        self._position = 0

    async def catch_up(self) -> None:
        """Replays up to the present end of the stream."""
        subjects = [f"{subject}.*" for subject in self._types]
        async for batch in self._stream.history(subjects, self._position):
            await self._fold([change for change in map(self._parse, batch) if change is not None])
            self.events += len(batch)
            self._position = batch[-1].sequence

    async def find(self, ids: Sequence[str]) -> dict[str, Document]:
        return await by_id(self.documents, ids)

    def _parse(self, message: Stored) -> _Change | None:
        kind = self._types[message.subject.rpartition(".")[0]]
        try:
            event = read(kind, message.data, message.headers)
            return event, _version(event, message)
        except ValueError as error:
            self.unreadable += 1
            about = {"sequence": message.sequence, "subject": message.subject, "reason": str(error)}
            log.warning("unreadable event", extra=about)
            return None

    async def _fold(self, changes: Sequence[_Change]) -> None:
        found = await self.find(list({event.id for event, _ in changes}))
        known, changed = set(found), set()
        for event, version in changes:
            document = found.setdefault(event.id, {"_id": event.id, "version": -1, "fields": {}})
            if _follow(document, version, self._fields(event)):
                changed.add(event.id)
        # Only this process reads the collection. Measured: half the time of 500 replacements in one command.
        if known & changed:
            await self.documents.delete_many({"_id": {"$in": list(known & changed)}})
        if changed:
            await self.documents.insert_many([found[record_id] for record_id in changed], ordered=False)


def _version(event: AggregateEvent, message: Stored) -> int:
    """Of an event without the field, it is in the event's id. Raises ValueError where neither has one."""
    if isinstance(event, VersionedEvent):
        return event.version
    change = change_of(message.headers)
    if change is None:
        raise ValueError("no version")
    return change[1]


def _follow(document: Document, version: int, fields: Mapping[str, Any]) -> bool:
    """Applies a version, and those that it was missing for; False if it was applied before."""
    if version <= document["version"]:
        return False
    ahead: Document = document.setdefault("ahead", {})
    if len(ahead) < AHEAD_LIMIT or version == document["version"] + 1:
        ahead[str(version)] = dict(fields)
    while (following := ahead.pop(str(document["version"] + 1), None)) is not None:
        document["version"] += 1
        document["fields"] |= following
    if not ahead:
        del document["ahead"]
    return True


async def by_id(collection: Collection, ids: Sequence[str]) -> dict[str, Document]:
    found = await collection.find({"_id": {"$in": list(ids)}}, limit=len(ids))
    return {document["_id"]: document for document in found}


def scratch_of(collection: Collection) -> Collection:
    """An empty collection of this run alone, beside `collection`."""
    return collection.database[f"{collection.name}.rebuilding.{new_id()}"]


async def clear_up(collection: Collection) -> None:
    """Drops scratch collections of runs that were killed; never that of a run in progress."""
    prefix = f"{collection.name}.rebuilding."
    for name in await collection.database.list_collection_names():
        begun = name.removeprefix(prefix)
        if name.startswith(prefix) and is_id(begun) and times.now() - made_at(begun) > LEFT_BEHIND:
            await collection.database[name].drop()


@asynccontextmanager
async def replayed(stream: Stream, beside: Collection, projection: Projection) -> AsyncIterator[Replay]:
    """The history up to the stream's present end, in a scratch collection that is dropped afterwards."""
    await clear_up(beside)
    replay = Replay(stream, scratch_of(beside), projection)
    try:
        await replay.catch_up()
        yield replay
    finally:
        await replay.documents.drop()
