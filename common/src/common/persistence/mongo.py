"""The border to MongoDB: the one module that knows the driver, the errors that it raises included.

Its methods have the driver's names, and each is one awaited call. Any of them may raise

- `errors.Outage`: the database was out of reach, took too long, or did not confirm a write;
- `errors.DuplicateKey`: a unique index has the key already;
- `errors.DatabaseError`: the database, or the driver, refused for another reason.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias, TypeVar

from bson.errors import BSONError
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import IndexModel, ReturnDocument, UpdateOne
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)
from pymongo.uri_parser import parse_uri

from common.base.errors import DatabaseError, DuplicateKey, Outage

T = TypeVar("T")

Document: TypeAlias = dict[str, Any]
Query: TypeAlias = Mapping[str, Any]
Keys: TypeAlias = Sequence[tuple[str, int]]
"""Fields, each with ASCENDING or DESCENDING: `[("user_id", ASCENDING), ("_id", DESCENDING)]`."""
Refused: TypeAlias = Mapping[int, DatabaseError]
"""The writes of a batch that were refused, by their place in it."""

ASCENDING, DESCENDING = 1, -1

WAIT_SECONDS = 2.0
PING_SECONDS = 2.0
DUPLICATE_KEY = 11000
IMMUTABLE_FIELD = 66
_INDEX_OF_DUPLICATE = re.compile(r" index: (\S+) dup key:")
"""Name of the index in the server's message of a duplicate key."""
NEVER_INSERTED: Query = {"$setOnInsert": {"_id": []}}
"""Makes an upsert fail where no document matches: `_id` can't be changed, and can't be an array."""


@dataclass(frozen=True, slots=True)
class Index:
    """`where`: only documents that match it are indexed; `expire_after`: they are deleted that much later."""

    keys: Keys
    name: str
    unique: bool = False
    sparse: bool = False
    where: Query | None = None
    expire_after: timedelta | None = None


class Collection:
    def __init__(self, database: "Database", name: str, driver: "AsyncIOMotorCollection[Document]") -> None:
        self.database = database
        self.name = name
        self._driver = driver

    async def find_one(
        self, query: Query, projection: Query | None = None, *, sort: Keys | None = None
    ) -> Document | None:
        return await _asked(self._driver.find_one(query, projection, sort=sort))

    async def find(
        self, query: Query, projection: Query | None = None, *, sort: Keys | None = None, limit: int = 0
    ) -> list[Document]:
        """All documents that match, or `limit` of them, in memory; with a limit in one round trip."""
        cursor = self._driver.find(query, projection, sort=sort, limit=limit, batch_size=limit)
        return await _asked(cursor.to_list(limit or None))

    async def aggregate(self, pipeline: Sequence[Query]) -> list[Document]:
        cursor = self._driver.aggregate(pipeline)
        return await _asked(cursor.to_list(None))

    async def count_documents(self, query: Query) -> int:
        return await _asked(self._driver.count_documents(query))

    async def insert_one(self, document: Document) -> None:
        await _asked(self._driver.insert_one(document))

    async def insert_many(self, documents: Sequence[Document], *, ordered: bool = True) -> None:
        """Raises the first refusal; unless `ordered`, what comes after it is stored all the same."""
        await _asked(self._driver.insert_many(documents, ordered=ordered))

    async def insert_each(self, documents: Sequence[Document]) -> Refused:
        """Inserts in one command, in any order; what is not refused is stored."""
        return await _asked(self._inserted(documents))

    async def update_one(self, query: Query, change: Document, *, upsert: bool = False) -> bool:
        """True where a document matched; False also where `upsert` inserted one."""
        return (await _asked(self._driver.update_one(query, change, upsert=upsert))).matched_count == 1

    async def update_many(self, query: Query, change: Document) -> int:
        """The count of documents that matched."""
        return (await _asked(self._driver.update_many(query, change))).matched_count

    async def update_each(self, updates: Sequence[tuple[Query, Document]]) -> Sequence[bool | DatabaseError]:
        """Updates one document for each query and change, in one command, in any order.

        Each query names an `_id`. Returns one outcome an update: True where the document matched, False where
        it did not, or the refusal.
        """
        # The server counts the matches of a batch and names each failure. An upsert that can't insert turns
        # "no match" into a failure, so that the outcome of each update is known.
        batch = [UpdateOne(query, {**change, **NEVER_INSERTED}, upsert=True) for query, change in updates]
        return await _asked(self._updated(batch))

    async def find_one_and_update(
        self, query: Query, change: Document, projection: Query | None = None
    ) -> Document | None:
        """The document after the change; None where none matched."""
        return await _asked(
            self._driver.find_one_and_update(
                query, change, projection=projection, return_document=ReturnDocument.AFTER
            )
        )

    async def replace_one(self, query: Query, document: Document) -> bool:
        """True where a document matched."""
        return (await _asked(self._driver.replace_one(query, document))).matched_count == 1

    async def delete_one(self, query: Query) -> bool:
        """True where a document was deleted."""
        return (await _asked(self._driver.delete_one(query))).deleted_count == 1

    async def delete_many(self, query: Query) -> int:
        """The count of deleted documents."""
        return (await _asked(self._driver.delete_many(query))).deleted_count

    async def create_indexes(self, indexes: Sequence[Index]) -> None:
        """Creates those that are missing."""
        await _asked(self._driver.create_indexes([_model(index) for index in indexes]))

    async def drop_indexes(self, names: Sequence[str]) -> None:
        """Drops those of them that exist. Raises DatabaseError where another process was faster."""
        found = await _asked(self._driver.index_information())
        for name in set(names) & set(found):
            await _asked(self._driver.drop_index(name))

    async def drop(self) -> None:
        await _asked(self._driver.drop())

    async def _inserted(self, documents: Sequence[Document]) -> Refused:
        try:
            await self._driver.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            return _refused(error)
        return {}

    async def _updated(self, batch: Sequence[UpdateOne]) -> Sequence[bool | DatabaseError]:
        refused: Refused = {}
        try:
            await self._driver.bulk_write(batch, ordered=False)
        except BulkWriteError as error:
            refused = _refused(error)
        return [_matched(refused.get(place)) for place in range(len(batch))]


class Database:
    def __init__(self, driver: "AsyncIOMotorDatabase[Document]") -> None:
        self.name = driver.name
        self._driver = driver

    def __getitem__(self, name: str) -> Collection:
        return Collection(self, name, self._driver[name])

    async def list_collection_names(self) -> list[str]:
        return await _asked(self._driver.list_collection_names())

    async def command(self, command: str | Document) -> Document:
        """Runs a command of the server's, such as `"hello"` or `{"replSetReconfig": …, "force": True}`."""
        return await _asked(self._driver.command(command))

    async def drop(self) -> None:
        await _asked(self._driver.client.drop_database(self.name))

    async def is_up(self) -> bool:
        try:
            async with asyncio.timeout(PING_SECONDS):
                await self.command("ping")
        except (DatabaseError, Outage, TimeoutError):
            return False
        return True

    async def close(self) -> None:
        """Closes the connection; to close it twice is fine."""
        self._driver.client.close()


def connect(uri: str, default_database: str, *, wait_seconds: float = WAIT_SECONDS) -> Database:
    """The database that `uri` names, else `default_database`. Connects on first use, and again as needed.

    wait_seconds: How long an operation waits for a server before it raises `errors.Outage`.
    """
    logging.getLogger("pymongo").setLevel(logging.WARNING)
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
        uri,
        tz_aware=True,
        serverSelectionTimeoutMS=int(wait_seconds * 1000),
        connectTimeoutMS=2_000,
        socketTimeoutMS=10_000,
        maxPoolSize=16,
        appname=default_database,
    )
    return Database(client[parse_uri(uri, warn=False).get("database") or default_database])


def check_uri(uri: str) -> None:
    """Raises ValueError for a URI that the driver does not take, or whose file of certificates is missing."""
    try:
        parse_uri(uri, warn=False)
    except (PyMongoError, OSError) as error:
        raise ValueError(str(error)) from error


async def _asked(answer: Awaitable[T]) -> T:
    try:
        return await answer
    except (PyMongoError, BSONError) as error:
        raise _translated(error) from error


def _translated(error: Exception) -> DatabaseError | Outage:
    reason = f"{type(error).__name__}: {error}"
    match error:
        case ConnectionFailure() | WriteConcernError() | ExecutionTimeout():
            return Outage(reason)
        case BulkWriteError() if _is_unconfirmed(error):
            return Outage(reason)
        case BulkWriteError():
            return next(iter(_refused(error).values()), DatabaseError(reason))
        case DuplicateKeyError():
            return _duplicate(reason, error.code)
        case OperationFailure():
            return DatabaseError(reason, error.code)
    return DatabaseError(reason)


def _is_unconfirmed(error: BulkWriteError) -> bool:
    """Whether any write of the batch may yet be rolled back."""
    return bool(error.details.get("writeConcernErrors"))


def _refused(error: BulkWriteError) -> Refused:
    """Raises the error itself where it is unconfirmed what is stored."""
    if _is_unconfirmed(error):
        raise error
    return {failure["index"]: _refusal(failure) for failure in error.details.get("writeErrors", ())}


def _refusal(failure: Mapping[str, Any]) -> DatabaseError:
    """The error that the write would have raised alone."""
    reason, code = str(failure.get("errmsg")), failure.get("code")
    return _duplicate(reason, code) if code == DUPLICATE_KEY else DatabaseError(reason, code)


def _duplicate(reason: str, code: int | None) -> DuplicateKey:
    index = _INDEX_OF_DUPLICATE.search(reason)
    return DuplicateKey(reason, code, None if index is None else index[1])


def _matched(refusal: DatabaseError | None) -> bool | DatabaseError:
    if refusal is None:
        return True
    return False if refusal.code == IMMUTABLE_FIELD else refusal


def _model(index: Index) -> IndexModel:
    options = {
        "unique": index.unique or None,
        "sparse": index.sparse or None,
        "partialFilterExpression": index.where,
        "expireAfterSeconds": None if index.expire_after is None else int(index.expire_after.total_seconds()),
    }
    given = {option: value for option, value in options.items() if value is not None}
    return IndexModel(list(index.keys), name=index.name, **given)
