"""Sweep of tickets whose derived fields are an older release's, or an earlier day's: derives them again.

Releases run side by side in a rollout, and a rollback brings an older one back. What an older one saves has
the derived fields that it knows; those of a newer release are absent, or stale. A ticket whose day is over
is on sale no more, though nothing changed it: the indexes of what is on sale don't fill up with the past.
"""

import asyncio
import logging

from common.base import jobs
from common.base.errors import DatabaseError, Unavailable
from tickets.repository import DERIVED_LIMIT, TicketRepository

log = logging.getLogger(__name__)

JOB = "derived_fields"
SWEEP_SECONDS = 10.0


async def sweep(tickets: TicketRepository) -> int:
    """Derives a page of tickets of each kind again; returns how many it tried."""
    found = [*await tickets.derived_by_older(), *await tickets.over_on_sale()]
    await asyncio.gather(*map(tickets.derive_again, found))
    return len(found)


async def run(tickets: TicketRepository) -> None:
    """Sweeps for as long as the service lives; the next page of many at once."""
    tried = 0
    while True:
        await asyncio.sleep(SWEEP_SECONDS if tried < DERIVED_LIMIT else 0)
        tried = 0
        try:
            tried = await sweep(tickets)
            jobs.succeeded(JOB)
        except (DatabaseError, Unavailable) as error:
            log.warning("derived fields not swept", extra={"error": repr(error)})
