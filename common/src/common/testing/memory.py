"""A database in memory: mongomock, taught what pymongo 4.20 says to it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from mongomock.collection import BulkOperationBuilder
from mongomock_motor import AsyncMongoMockClient

from common.persistence.mongo import Database


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


setattr(BulkOperationBuilder, "add_update", _without_sort(BulkOperationBuilder.add_update))  # noqa: B010
