"""Queries for files, over the documents of their tickets."""

from collections.abc import Sequence, Set
from dataclasses import dataclass

from common.persistence.mongo import Database
from tickets.files.record import WrappedKey, sealed_key

LIMIT = 200
"""Most records of one query."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """The wrapped key of a ticket's file, at the ticket's version."""

    ticket_id: str
    version: int
    object: str
    key: WrappedKey


class FileRecords:
    def __init__(self, database: Database) -> None:
        self._documents = database["tickets"]

    async def wrapped_by_others(self, key_id: str) -> Sequence[StoredKey]:
        """Keys that another key than this one wraps; at most LIMIT."""
        query = {"sealed.key_id": {"$exists": True, "$ne": key_id}}
        found = await self._documents.find(query, {"version": 1, "sealed": 1}, limit=LIMIT)
        return [
            StoredKey(
                document["_id"],
                document["version"],
                document["sealed"]["object"],
                WrappedKey(document["sealed"]["key_id"], document["sealed"]["wrapped_key"]),
            )
            for document in found
        ]

    async def wrap_again(self, stored: StoredKey, key: WrappedKey) -> None:
        """Stores the key as it is wrapped now. Does nothing if the ticket changed after it was read."""
        fields = {f"sealed.{name}": value for name, value in sealed_key(key).items()}
        guard = {"_id": stored.ticket_id, "version": stored.version}
        await self._documents.update_one(guard, {"$set": fields})

    async def objects_of(self, ticket_ids: Sequence[str]) -> Set[str]:
        """Names of the objects in which the files of these tickets are."""
        query = {"_id": {"$in": list(ticket_ids)}, "sealed.object": {"$exists": True}}
        found = await self._documents.find(query, {"sealed.object": 1}, limit=len(ticket_ids))
        return {document["sealed"]["object"] for document in found}
