"""Moving windows: at most so many events under a key in any period, over all processes.

Documents `{_id: key, at: times of the latest events, oldest first, expires_at}`: one a key, and no longer
than the limit. A TTL index deletes a document within a minute after `expires_at`; no decision relies on that
minute. A wait is as exact as the processes' clocks agree.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.base import times
from common.base.errors import DuplicateKey
from common.persistence.mongo import ASCENDING, Database, Document, Index, Query

TRIES = 3
"""Updates of one `take`: a concurrent first event, or the TTL index, may come before the read after it."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` events in any period of `per`; with a count of 0, any number.

    Each event that counts is a time in the key's document, so that a count beyond 1,000 costs milliseconds.
    """

    count: int
    per: timedelta

    def wait(self, at: Sequence[datetime], now: datetime) -> int:
        """Whole seconds until the next event is allowed; 0 if it is allowed now. `at`: oldest first."""
        if not self.count or len(at) < self.count:
            return 0
        return max(0, math.ceil((at[-self.count] + self.per - now).total_seconds()))


class Windows:
    """Windows of one kind of event in the collection `name`.

    A key may be any text; a caller whose keys come from outside hashes them. A key has one limit. A limit
    that a release changes holds from the next event on.
    """

    indexes = (Index([("expires_at", ASCENDING)], name="forgotten", expire_after=timedelta(0)),)

    def __init__(self, database: Database, name: str) -> None:
        self.documents = database[name]

    async def prepare(self) -> None:
        await self.documents.create_indexes(self.indexes)

    async def take(self, key: str, limit: Limit) -> int | None:
        """Counts an event and returns None, or returns the seconds to wait, 1 or more, without counting it.

        One update decides and counts, so that of any number of concurrent calls, in any processes,
        `limit.count` are counted. A refusal costs a read more, and does not make the wait longer.
        """
        if not limit.count:
            return None
        for _ in range(TRIES):
            if await self._is_counted(key, limit):
                return None
            if seconds := await self.wait({key: limit}):
                return seconds
        return 1

    async def give_back(self, key: str) -> None:
        """Removes the latest event under the key: one that `take` counted did not happen after all."""
        await self.documents.update_one({"_id": key}, {"$pop": {"at": 1}})

    async def wait(self, limits: Mapping[str, Limit]) -> int:
        """Whole seconds until an event under all these keys is allowed; 0 if it is now. Counts nothing."""
        now = times.now()
        # A query by id only. With a condition on `expires_at`, the database could choose that field's index,
        # which grows long during an attack.
        found = await self.documents.find({"_id": {"$in": list(limits)}}, limit=len(limits))
        return max((limits[each["_id"]].wait(each["at"], now) for each in found), default=0)

    async def add(self, limits: Mapping[str, Limit]) -> None:
        """Counts an event that happened under each of these keys, whatever their limits."""
        now = times.now()
        # Of several concurrent first events, one inserts the document. The database server repeats the
        # others as updates.
        await asyncio.gather(
            *(
                self.documents.update_one({"_id": key}, _counted(now, limit), upsert=True)
                for key, limit in limits.items()
            )
        )

    async def forget(self, *keys: str) -> None:
        """Deletes the events under the keys."""
        await self.documents.delete_many({"_id": {"$in": list(keys)}})

    async def _is_counted(self, key: str, limit: Limit) -> bool:
        now = times.now()
        is_below: Query = {
            "$or": [{f"at.{limit.count - 1}": {"$exists": False}}, {"at.0": {"$lte": now - limit.per}}]
        }
        try:
            # Where the document is at its limit, the upsert tries to insert a second one.
            await self.documents.update_one({"_id": key, **is_below}, _counted(now, limit), upsert=True)
        except DuplicateKey:
            return False
        return True


def _counted(now: datetime, limit: Limit) -> Document:
    return {
        "$push": {"at": {"$each": [now], "$slice": -limit.count}},
        "$set": {"expires_at": now + limit.per},
    }
