"""Repository of aggregates. The unit of work is one aggregate: one write saves its state and its event."""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from common.base.crash_points import reached
from common.base.creation import Creation
from common.base.errors import BadRequest, Conflict, DuplicateKey, NotFound, TooManyTries
from common.messaging.publisher import Publishers
from common.persistence.aggregate import UNSAVED, Aggregate
from common.persistence.batched_updates import BatchedUpdates, GuardedUpdate
from common.persistence.batching import DocumentReader, DocumentWriter
from common.persistence.creations import first_of, marked
from common.persistence.mongo import Database, Document, Index
from common.persistence.outbox import OUTBOX_INDEX, Relay, entry_of

A = TypeVar("A", bound=Aggregate)
T = TypeVar("T")

TRIES = 20
MAX_PAUSE_SECONDS = 0.05


class Repository(ABC, Generic[A]):
    """Stores aggregates. A subclass names collection and indexes, maps documents, and holds every query."""

    collection: ClassVar[str]
    indexes: ClassVar[Sequence[Index]] = ()
    retired: ClassVar[Sequence[str]] = ()
    """Names of indexes to drop: the present ones serve the last release's queries, too."""

    def __init__(self, database: Database, publishers: Publishers) -> None:
        self.documents = database[self.collection]
        self.relay = Relay(self.documents, publishers)
        self._publishers = publishers
        self._reader = DocumentReader(self.documents, {"outbox": 0})
        self._writer = DocumentWriter(self.documents)
        self._updates = BatchedUpdates(self.documents)

    @abstractmethod
    def to_document(self, aggregate: A) -> Document:
        """The aggregate's state, without `_id`, `version` and `outbox`.

        A mapping in it is a nested object with a fixed set of fields: an update sets those and keeps others,
        which a newer release may have written.
        """

    @abstractmethod
    def from_document(self, document: Document) -> A: ...

    async def prepare(self) -> None:
        """Creates the indexes that are missing, then drops those that they replace."""
        await self.documents.create_indexes([OUTBOX_INDEX, *self.indexes])
        if self.retired:
            await self.documents.drop_indexes(self.retired)

    async def find(self, aggregate_id: str) -> A | None:
        document = await self._reader.find(aggregate_id)
        return None if document is None else self.from_document(document)

    async def get(self, aggregate_id: str) -> A:
        """Raises NotFound, also for a malformed id."""
        aggregate = await self.find(aggregate_id)
        if aggregate is None:
            raise NotFound()
        return aggregate

    async def save(self, aggregate: A) -> None:
        """Stores the recorded change and its event in one write, and wakes the relay.

        Raises Conflict when the stored record is no longer the version that was read, and
        DuplicateKey when a unique index refuses a new record; then nothing was stored.
        """
        await self._save(aggregate, {})

    async def create(self, aggregate: A, creation: Creation | None) -> None:
        """Stores a new record under the creation's key. Raises like `save`; a known key is a DuplicateKey."""
        await self._save(aggregate, marked(creation))

    async def once(self, creation: Creation | None, create: Callable[[], Awaitable[A]]) -> A:
        """The record that `create` stores, or that an earlier request with the creation's key stored.

        It is looked up only after a refusal: the effect of the first request may be what refuses the second.
        Raises KeyReused where the first request had another body.
        """
        try:
            return await create()
        except (BadRequest, NotFound, TooManyTries, DuplicateKey):
            first = await first_of(self.documents, creation)
            if first is None:
                raise
            return self.from_document(first)

    async def _save(self, aggregate: A, marks: Mapping[str, Any]) -> None:
        """marks: Fields of the record that are no part of its state; a later save without them keeps them."""
        event = aggregate.recorded
        if event is None:
            return
        entry = entry_of(self._publishers.of(event).envelope(event, aggregate.next_version))
        reached("before-write")
        if aggregate.version == UNSAVED:
            outbox = await self._insert(aggregate, entry, marks)
        else:
            outbox = await self._update(aggregate, entry, marks)
        reached("after-write")
        aggregate.saved()
        self.relay.wake(aggregate.id, outbox)

    async def _insert(self, aggregate: A, entry: Document, marks: Mapping[str, Any]) -> Sequence[Document]:
        state = {field: value for field, value in self.to_document(aggregate).items() if value is not None}
        await self._writer.insert({"_id": aggregate.id, "version": 0, **state, **marks, "outbox": [entry]})
        return [entry]

    async def _update(self, aggregate: A, entry: Document, marks: Mapping[str, Any]) -> Sequence[Document]:
        change = change_to({**self.to_document(aggregate), **marks, "version": aggregate.next_version})
        # Events of an earlier save, perhaps another process's, leave before this one.
        return await self._updates.store(GuardedUpdate(aggregate.id, aggregate.version, change, entry))


def change_to(state: Document) -> Document:
    """The update to `state`. It keeps fields that `state` doesn't have, those of nested objects included.

    A field that is None is unset, so that a sparse index holds only records that have the field.
    """
    present = {field: value for field, value in state.items() if value is not None}
    absent = dict.fromkeys(state.keys() - present.keys(), "")
    return {"$set": _by_path(present), **({"$unset": absent} if absent else {})}


def _by_path(fields: Mapping[str, Any], within: str = "") -> Document:
    """The fields with those of nested objects by their paths: `{"a": {"b": 1}}` as `{"a.b": 1}`."""
    paths: Document = {}
    for field, value in fields.items():
        if isinstance(value, Mapping):
            paths |= _by_path(value, f"{within}{field}.")
        else:
            paths[f"{within}{field}"] = value
    return paths


async def retrying(decide: Callable[[], Awaitable[T]]) -> T:
    """Retries load → domain → save after each lost race (optimistic locking).

    Raises Conflict after twenty lost races in a row.
    """
    for attempt in range(1, TRIES):
        try:
            return await decide()
        except Conflict:
            await asyncio.sleep(random.uniform(0, min(0.002 * 2**attempt, MAX_PAUSE_SECONDS)))
    return await decide()
