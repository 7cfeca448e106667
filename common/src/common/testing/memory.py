"""A database in memory: mongomock, taught what pymongo 4.20 says to it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from mongomock import DuplicateKeyError, WriteError  # type: ignore[attr-defined]  # its stub leaves one out
from mongomock.collection import BulkOperationBuilder
from mongomock.collection import Collection as Driver
from mongomock.filtering import filter_applies
from mongomock_motor import AsyncMongoMockClient, patches

from common.persistence.mongo import DUPLICATE_KEY, IMMUTABLE_FIELD, Database


def memory_database() -> Database:
    """One of its own, empty at first."""
    return Database(AsyncMongoMockClient(tz_aware=True)["test"])


def _without_sort(add_update: Callable[..., Any]) -> Callable[..., Any]:
    """pymongo hands on a `sort` that mongomock's bulk updates don't know; none of ours has one."""

    @wraps(add_update)
    def add(self: Any, *args: Any, sort: None = None, **kwargs: Any) -> Any:
        if sort is not None:
            raise NotImplementedError("a bulk update with a sort")
        return add_update(self, *args, **kwargs)

    return add


def _with_fixed_ids(update: Callable[..., Any]) -> Callable[..., Any]:
    """Refuses an upsert that would insert another `_id` than its query names, as MongoDB does."""

    @wraps(update)
    def checked(self: Any, spec: Any, document: Any, upsert: bool = False, **kwargs: Any) -> Any:
        fixed = upsert and "_id" in document.get("$setOnInsert", {})
        result = update(self, spec, document, upsert=upsert and not fixed, **kwargs)
        if fixed and result["n"] == 0:
            raise WriteError("would modify the immutable field '_id'", IMMUTABLE_FIELD)
        return result

    return checked


def _ensure_uniques(self: Any, document: Any) -> None:
    """Raises DuplicateKeyError with the index's name, as MongoDB does; leaves out partial indexes that the
    document is no part of."""
    for name, index in self._store.indexes.items():
        condition = index.get("partialFilterExpression") or {}
        is_part: bool = filter_applies(condition, document)  # type: ignore[no-untyped-call]
        if not index.get("unique") or not is_part:
            continue
        key = {field: _value(document, field.split(".")) for field, _ in index["key"]}
        if index.get("sparse") and all(value is None for value in key.values()):
            continue
        if len(list(self._iter_documents({"$and": [condition, key]}))) > 1:
            reason = f"E11000 duplicate key error collection: {self.name} index: {name} dup key: {key}"
            raise DuplicateKeyError(reason, DUPLICATE_KEY)


def _create_indexes(self: Any, indexes: Any, session: None = None) -> list[str]:
    """As mongomock's own, which leaves out the condition of a partial index."""
    models = [dict(index.document) for index in indexes]
    return [self.create_index(list(model.pop("key").items()), session=session, **model) for model in models]


def _value(document: Any, path: list[str]) -> Any:
    for field in path:
        document = document.get(field) if isinstance(document, dict) else None
    return document


# mongomock_motor replaces the error by one of its own, of the first unique index with such a key.
setattr(patches, "_provide_error_details", lambda _collection, _document, error: error)  # noqa: B010
setattr(Driver, "create_indexes", _create_indexes)  # noqa: B010
setattr(Driver, "_ensure_uniques", _ensure_uniques)  # noqa: B010
setattr(Driver, "_update", _with_fixed_ids(Driver._update))  # noqa: B010
setattr(BulkOperationBuilder, "add_update", _without_sort(BulkOperationBuilder.add_update))  # noqa: B010
