"""Sweep of overdue orders: expires them where a timer was lost, so that no ticket stays held for ever."""

import asyncio
import logging
from datetime import timedelta

from common.base import times
from common.base.errors import DatabaseError, Unavailable
from orders import commands
from orders.errors import NotDue
from orders.repository import OVERDUE_LIMIT, OrderRepository

log = logging.getLogger(__name__)

SWEEP_SECONDS = 0.5
GRACE = timedelta(seconds=0.5)
"""Leaves the timer service time to act first."""
AT_ONCE = 100
"""Concurrent expirations: hundreds that are due together share round trips and end within a second."""


async def sweep(orders: OrderRepository, hold: timedelta) -> int:
    """Expires orders that are overdue for longer than the grace; returns how many it tried.

    At most a page of them: there may be more when as many as OVERDUE_LIMIT were tried.
    """
    overdue = await orders.overdue(times.now() - GRACE, hold)
    turns = asyncio.Semaphore(AT_ONCE)

    async def expire(order_id: str) -> None:
        async with turns:
            try:
                await commands.expire(orders, order_id, hold)
            except (NotDue, Unavailable) as error:
                log.info("not expired", extra={"order": order_id, "error": repr(error)})

    await asyncio.gather(*(expire(order_id) for order_id in overdue))
    return len(overdue)


async def run(orders: OrderRepository, hold: timedelta) -> None:
    """Sweeps for as long as the service lives; the next page of many at once."""
    tried = 0
    while True:
        await asyncio.sleep(SWEEP_SECONDS if tried < OVERDUE_LIMIT else 0)
        tried = 0
        try:
            tried = await sweep(orders, hold)
        except (DatabaseError, Unavailable) as error:
            log.warning("overdue orders not swept", extra={"error": repr(error)})
