"""The parking of `messaging.parking` in the service's database.

Documents `{_id: sequence, subject, kind, record, attempt, since, due}`, of the service's one queue group.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from common.base import times
from common.base.errors import DuplicateKey
from common.messaging.parking import CLAIM, ParkedMessage
from common.persistence.batching import DocumentWriter
from common.persistence.coalescer import Coalescer
from common.persistence.mongo import ASCENDING, Collection, Database, Document, Index, Keys, Query

COLLECTION = "parked"

INDEXES = (
    Index([("due", ASCENDING)], name="due"),
    Index([("since", ASCENDING)], name="since"),
    Index([("record", ASCENDING), ("_id", ASCENDING)], name="of_record"),
)


class ParkedMessages:
    def __init__(self, database: Database) -> None:
        self._documents: Collection = database[COLLECTION]
        self._writer = DocumentWriter(self._documents)
        self._released: Coalescer[int, None] = Coalescer(self._delete)

    async def prepare(self) -> None:
        await self._documents.create_indexes(INDEXES)

    async def park(self, message: ParkedMessage, delay: float) -> None:
        document = {
            "_id": message.sequence,
            "subject": message.subject,
            "kind": message.kind,
            "record": message.record,
            "attempt": message.attempt,
            "since": message.since,
            "due": times.now() + timedelta(seconds=delay),
        }
        with suppress(DuplicateKey):
            await self._writer.insert(document)

    async def due(self, kinds: Sequence[str], given_up: timedelta, limit: int) -> Sequence[ParkedMessage]:
        now = times.now()
        ours = {"$or": [{"kind": {"$in": list(kinds)}}, {"since": {"$lte": now - given_up}}]}
        return await self._take({"due": {"$lte": now}, **ours}, [("due", ASCENDING)], limit)

    async def of_records(
        self, records: Sequence[str], kinds: Sequence[str], limit: int
    ) -> Sequence[ParkedMessage]:
        theirs = {"record": {"$in": list(records)}, "kind": {"$in": list(kinds)}}
        return await self._take(theirs, [("_id", ASCENDING)], limit)

    async def put_off(self, sequence: int, delay: float) -> None:
        due = times.now() + timedelta(seconds=delay)
        await self._writer.update({"_id": sequence}, {"$set": {"due": due}})

    async def release(self, sequence: int) -> None:
        await self._released.submit(sequence)

    async def count(self) -> int:
        return await self._documents.count_documents({})

    async def oldest(self) -> datetime | None:
        found = await self._documents.find({}, {"since": 1}, sort=[("since", ASCENDING)], limit=1)
        return found[0]["since"] if found else None

    async def _take(self, query: Query, order: Keys, limit: int) -> Sequence[ParkedMessage]:
        """Two processes may take the same message at the same moment: their handlers bear it."""
        found = await self._documents.find(query, sort=order, limit=limit)
        if found:
            change = {"$set": {"due": times.now() + CLAIM}, "$inc": {"attempt": 1}}
            await self._documents.update_many({"_id": {"$in": [each["_id"] for each in found]}}, change)
        return [_message(document) for document in found]

    async def _delete(self, sequences: Sequence[int]) -> Sequence[None]:
        await self._documents.delete_many({"_id": {"$in": list(sequences)}})
        return [None] * len(sequences)


def _message(document: Document) -> ParkedMessage:
    fields = ("subject", "kind", "record", "attempt", "since")
    return ParkedMessage(document["_id"], *(document[field] for field in fields))
