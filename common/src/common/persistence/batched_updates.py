"""Guarded updates of aggregates: concurrent ones of a collection share one command."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from common.base.errors import Conflict
from common.base.ids import new_id
from common.persistence.coalescer import Coalescer
from common.persistence.mongo import Collection, Document


@dataclass(frozen=True, slots=True)
class GuardedUpdate:
    """One update: from version `version` of a record to the next, with the event of the change."""

    aggregate_id: str
    version: int
    change: Document
    entry: Document
    token: str = field(default_factory=new_id)

    @property
    def query(self) -> Document:
        return {"_id": self.aggregate_id, "version": self.version}

    @property
    def update(self) -> Document:
        # The server's answer to a batch says how many updates matched, not which: the token in the outbox
        # shows it.
        return {**self.change, "$push": {"outbox": {**self.entry, "save": self.token}}}

    def is_stored_in(self, document: Document) -> bool:
        return any(entry.get("save") == self.token for entry in document["outbox"])


class BatchedUpdates:
    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._waiting: Coalescer[GuardedUpdate, Sequence[Document]] = Coalescer(self._store)

    async def store(self, save: GuardedUpdate) -> Sequence[Document]:
        """Returns the record's outbox after the update, including events that earlier updates left in it.

        Raises Conflict when the record is not at the update's version, and DuplicateKey when a unique index
        refuses; nothing is stored then. One exception: Conflict may be raised for an update that was stored,
        if this process stalled in the middle and another one published and cleared the event meanwhile. A
        caller that loads and decides again then finds the change made.
        """
        return await self._waiting.submit(save)

    async def _store(self, saves: Sequence[GuardedUpdate]) -> Sequence[Sequence[Document] | Exception]:
        if len(saves) == 1:
            return [await self._store_one(saves[0])]
        done = await self._collection.update_each([(save.query, save.update) for save in saves])
        all_stored = done.matched == len(saves)
        ids = list({save.aggregate_id for save in saves})
        documents = await self._collection.find({"_id": {"$in": ids}}, {"outbox": 1}, limit=len(ids))
        found = {document["_id"]: document for document in documents}
        return [
            done.refused.get(place) or _outcome(save, found.get(save.aggregate_id), all_stored)
            for place, save in enumerate(saves)
        ]

    async def _store_one(self, save: GuardedUpdate) -> Sequence[Document]:
        stored = await self._collection.find_one_and_update(save.query, save.update, {"outbox": 1})
        if stored is None:
            raise Conflict()
        outbox: Sequence[Document] = stored["outbox"]
        return outbox


def _outcome(
    save: GuardedUpdate, document: Document | None, all_stored: bool
) -> Sequence[Document] | Exception:
    if document is not None and (all_stored or save.is_stored_in(document)):
        outbox: Sequence[Document] = document["outbox"]
        return outbox
    return Conflict()
