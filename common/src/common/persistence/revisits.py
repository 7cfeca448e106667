"""Records that a job visits again, after pauses that double, until nothing can be left.

For an effect that a request in progress, or an older process, may escape: it is repeated, in place of a
look-up in each request.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.base import jobs, times
from common.base.errors import DatabaseError, DuplicateKey, Unavailable
from common.persistence.mongo import ASCENDING, Collection, Index

log = logging.getLogger(__name__)

FIRST_PAUSE = timedelta(seconds=10)
LAST = timedelta(days=8)
"""Longer than any token lives: after a visit at that age there is no further one."""
ROUND_SECONDS = 5.0
BATCH = 50

Visit = Callable[[str], Awaitable[None]]
"""The effect on the record with this id. Idempotent."""


@dataclass(frozen=True, slots=True)
class Due:
    id: str
    at: datetime


class Revisits:
    """Documents `{_id, at, due?}`; one without `due` is visited no more."""

    indexes = (Index([("due", ASCENDING)], name="due", sparse=True),)

    def __init__(self, documents: Collection) -> None:
        self.documents = documents

    async def prepare(self) -> None:
        await self.documents.create_indexes(self.indexes)

    async def add(self, record_id: str) -> None:
        """Has the record visited from FIRST_PAUSE on. Does nothing for one that was added before."""
        now = times.now()
        with suppress(DuplicateKey):
            await self.documents.insert_one({"_id": record_id, "at": now, "due": now + FIRST_PAUSE})

    async def due(self) -> Sequence[Due]:
        """The longest due first, at most BATCH."""
        query, order = {"due": {"$lte": times.now()}}, [("due", ASCENDING)]
        found = await self.documents.find(query, sort=order, limit=BATCH)
        return [Due(each["_id"], each["at"]) for each in found]

    async def visited(self, record: Due) -> None:
        now = times.now()
        age = now - record.at
        again = {"$set": {"due": now + max(FIRST_PAUSE, age)}}
        await self.documents.update_one({"_id": record.id}, again if age < LAST else {"$unset": {"due": ""}})

    async def round(self, visit: Visit) -> int:
        """Visits what is due, at most BATCH; returns how many. A failed one is logged, and stays due.

        An outage ends the round: raises it.
        """
        done = 0
        for record in await self.due():
            try:
                await visit(record.id)
            except (DatabaseError, Unavailable):
                raise
            except Exception:
                log.exception("visit failed", extra={"record": record.id})
                continue
            await self.visited(record)
            done += 1
        return done

    async def run(self, visit: Visit) -> None:
        """Visits for as long as the service lives. Every process does."""
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            try:
                while await self.round(visit) == BATCH:
                    pass
                jobs.succeeded(self.documents.name)
            except (DatabaseError, Unavailable) as error:
                log.warning("nothing visited", extra={"error": repr(error)})
