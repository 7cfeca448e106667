"""A database in memory: mongomock, taught what pymongo 4.20 says to it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from mongomock import WriteError  # type: ignore[attr-defined]  # its stub leaves it out
from mongomock.collection import BulkOperationBuilder
from mongomock.collection import Collection as Driver
from mongomock_motor import AsyncMongoMockClient

from common.persistence.mongo import IMMUTABLE_FIELD, Database


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


setattr(Driver, "_update", _with_fixed_ids(Driver._update))  # noqa: B010
setattr(BulkOperationBuilder, "add_update", _without_sort(BulkOperationBuilder.add_update))  # noqa: B010
