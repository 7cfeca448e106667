"""Sweep of files: removes bytes that no record names, and wraps data keys by the present first key."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from common.base import jobs, times
from common.base.errors import DatabaseError, Unavailable
from common.base.ids import is_id
from tickets.files.repository import LIMIT, FileRecords
from tickets.files.sealing import FileKeys, Unreadable
from tickets.files.store import Listed, Objects

log = logging.getLogger(__name__)

JOB = "files"
SWEEP_SECONDS = 600.0
GRACE = timedelta(hours=1)
"""Age of bytes that are swept: the record of younger ones may be on its way."""


@dataclass(frozen=True, slots=True)
class Sweep:
    records: FileRecords
    objects: Objects
    keys: FileKeys

    async def run(self) -> None:
        """Sweeps for as long as the service lives."""
        while True:
            try:
                await self.wrap_keys()
                await self.remove_orphans()
                jobs.succeeded(JOB)
            except (DatabaseError, Unavailable) as error:
                log.warning("files not swept", extra={"error": repr(error)})
            await asyncio.sleep(SWEEP_SECONDS)

    async def wrap_keys(self) -> int:
        """Wraps the data keys that another key of the setting wraps; returns how many.

        One whose key is no more in the setting stays as it is.
        """
        wrapped = 0
        while found := await self.records.wrapped_by_others(self.keys.first):
            done = 0
            for stored in found:
                try:
                    key = self.keys.wrap_again(stored.object, stored.key)
                except Unreadable as error:
                    log.error("file's key lost", extra={"ticket": stored.ticket_id, "error": str(error)})
                    continue
                await self.records.wrap_again(stored, key)
                done += 1
            wrapped += done
            if len(found) < LIMIT or not done:
                break
        return wrapped

    async def remove_orphans(self) -> int:
        """One pass over the object store, a page in memory at a time; returns how many were removed."""
        removed = 0
        async for page in self.objects.pages():
            removed += await self._remove(page)
        return removed

    async def _remove(self, page: Sequence[Listed]) -> int:
        old = times.now() - GRACE
        names = [listed.name for listed in page if listed.modified < old and is_id(_ticket_id(listed.name))]
        named = await self.records.objects_of(list({_ticket_id(name) for name in names})) if names else ()
        orphans = [name for name in names if name not in named]
        for name in orphans:
            await self.objects.delete(name)
        return len(orphans)


def _ticket_id(object_name: str) -> str:
    return object_name.partition("/")[0]
