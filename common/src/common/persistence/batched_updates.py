"""Guarded updates of aggregates: concurrent ones of a collection share one command."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from common.base.errors import Conflict, DatabaseError, Outage
from common.persistence.coalescer import Coalescer
from common.persistence.mongo import Collection, Document

Outbox = Sequence[Document]


@dataclass(frozen=True, slots=True)
class GuardedUpdate:
    """One update: from version `version` of a record to the next, with the event of the change."""

    aggregate_id: str
    version: int
    change: Document
    entry: Document

    @property
    def query(self) -> Document:
        return {"_id": self.aggregate_id, "version": self.version}

    @property
    def update(self) -> Document:
        return {**self.change, "$push": {"outbox": self.entry}}


class BatchedUpdates:
    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._waiting: Coalescer[GuardedUpdate, Outbox] = Coalescer(self._store)

    async def store(self, update: GuardedUpdate) -> Outbox:
        """Returns the record's outbox after the update, including events that earlier updates left in it.

        The outbox is empty where it could not be read after the update; the sweep publishes it then.

        Raises Conflict when the record is not at the update's version, and DuplicateKey when a unique index
        refuses; nothing is stored then. After an Outage the update may be stored.
        """
        return await self._waiting.submit(update)

    async def _store(self, updates: Sequence[GuardedUpdate]) -> Sequence[Outbox | Exception]:
        if len(updates) == 1:
            return [await self._store_one(updates[0])]
        outcomes = await self._collection.update_each([(update.query, update.update) for update in updates])
        placed = list(zip(updates, outcomes, strict=True))
        outboxes = await self._outboxes({update.aggregate_id for update, stored in placed if stored is True})
        return [_outcome(stored, outboxes.get(update.aggregate_id, ())) for update, stored in placed]

    async def _store_one(self, update: GuardedUpdate) -> Outbox:
        stored = await self._collection.find_one_and_update(update.query, update.update, {"outbox": 1})
        if stored is None:
            raise Conflict()
        outbox: Outbox = stored["outbox"]
        return outbox

    async def _outboxes(self, ids: set[str]) -> Mapping[str, Outbox]:
        if not ids:
            return {}
        try:
            found = await self._collection.find({"_id": {"$in": list(ids)}}, {"outbox": 1}, limit=len(ids))
        except Outage:
            return {}
        return {document["_id"]: document["outbox"] for document in found}


def _outcome(stored: bool | DatabaseError, outbox: Outbox) -> Outbox | Exception:
    if isinstance(stored, DatabaseError):
        return stored
    return outbox if stored else Conflict()
