"""The database connection, and the few operations on documents that are batched."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError, ConnectionFailure, DuplicateKeyError, PyMongoError
from pymongo.uri_parser import parse_uri

from common.coalescer import Coalescer
from common.errors import Unavailable

log = logging.getLogger(__name__)

Document: TypeAlias = dict[str, Any]
if TYPE_CHECKING:
    Client: TypeAlias = AsyncIOMotorClient[Document]
    Database: TypeAlias = AsyncIOMotorDatabase[Document]
    Collection: TypeAlias = AsyncIOMotorCollection[Document]
else:  # motor's classes take their parameter only in its stubs
    Client, Database, Collection = AsyncIOMotorClient, AsyncIOMotorDatabase, AsyncIOMotorCollection

OUTAGES = (ConnectionFailure, asyncio.TimeoutError)
"""What says that the database can't be reached, rather than that it refused."""

DUPLICATE_KEY = 11000


def connect(uri: str, default_database: str) -> Database:
    """The database that `uri` names, else `default_database`. Connects on first use, and again as needed."""
    name = parse_uri(uri, warn=False).get("database") or default_database
    client: Client = AsyncIOMotorClient(
        uri,
        tz_aware=True,
        serverSelectionTimeoutMS=2_000,
        connectTimeoutMS=2_000,
        socketTimeoutMS=10_000,
        maxPoolSize=16,
        appname=default_database,
    )
    return client[name]


async def is_up(database: Database) -> bool:
    try:
        await asyncio.wait_for(database.command("ping"), 2)
    except (PyMongoError, TimeoutError):
        return False
    return True


class DocumentReader:
    """Documents by `_id`; those asked for at the same time come in one query."""

    def __init__(self, collection: Collection, projection: Mapping[str, int] | None = None) -> None:
        self._collection = collection
        self._projection = dict(projection) if projection else None
        self._reads: Coalescer[str, Document | None] = Coalescer(self._find)

    async def find(self, document_id: str) -> Document | None:
        """The document, shared with whoever asked at the same time: not to be changed."""
        return await self._reads.submit(document_id)

    async def _find(self, ids: Sequence[str]) -> Sequence[Document | None]:
        if len(ids) == 1:
            return [await self._collection.find_one({"_id": ids[0]}, self._projection)]
        distinct = list(set(ids))
        cursor = self._collection.find({"_id": {"$in": distinct}}, self._projection)
        found = {document["_id"]: document for document in await cursor.to_list(len(distinct))}
        return [found.get(document_id) for document_id in ids]


class DocumentWriter:
    """Inserts and updates documents; those that come at the same time go in one command."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._inserts: Coalescer[Document, None] = Coalescer(self._insert)
        self._updates: Coalescer[tuple[Document, Document], bool] = Coalescer(self._update)

    async def insert(self, document: Document) -> None:
        """Raises DuplicateKeyError when a unique index has it already."""
        await self._inserts.submit(document)

    async def update(self, query: Document, change: Document) -> bool:
        """A guarded update: `query` names one document in a state that `change` ends.

        True where it is known to have matched. A batch is told only how many matched: where not all did,
        each of them gets False, and its caller has to look, as it would have to anyway.
        """
        return await self._updates.submit((query, change))

    async def _update(self, updates: Sequence[tuple[Document, Document]]) -> Sequence[bool]:
        if len(updates) == 1:
            return [(await self._collection.update_one(*updates[0])).matched_count == 1]
        # Of those with the same guard one can match.
        first = {tuple(query.items()): place for place, (query, _) in reversed(list(enumerate(updates)))}
        operations = [UpdateOne(*updates[place]) for place in sorted(first.values())]
        result = await self._collection.bulk_write(operations, ordered=False)
        all_matched = result.matched_count == len(operations)
        return [
            all_matched and first[tuple(query.items())] == place for place, (query, _) in enumerate(updates)
        ]

    async def _insert(self, documents: Sequence[Document]) -> Sequence[Exception | None]:
        if len(documents) == 1:
            await self._collection.insert_one(documents[0])
            return [None]
        outcome: list[Exception | None] = [None] * len(documents)
        try:
            await self._collection.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            for place, failure in failures_of(error).items():
                outcome[place] = failure
        return outcome


def failures_of(error: BulkWriteError) -> dict[int, Exception]:
    """What each refused write of a batch would have raised alone, by its place; the others are stored.

    Raises Unavailable where the database did not confirm as it was asked to: then any may be rolled back.
    """
    details = error.details or {}
    if details.get("writeConcernErrors"):
        raise Unavailable("The database did not confirm") from error
    return {failure["index"]: _exception_of(failure) for failure in details.get("writeErrors", ())}


def _exception_of(failure: Mapping[str, Any]) -> PyMongoError:
    if failure.get("code") == DUPLICATE_KEY:
        return DuplicateKeyError(failure.get("errmsg", ""), DUPLICATE_KEY, failure)
    return PyMongoError(str(failure.get("errmsg")))
