"""Sweep of overdue orders: expires them where a timer was lost, so that no ticket stays held for ever."""

import asyncio
import logging
from datetime import timedelta

from common.base import jobs, times
from common.base.errors import DatabaseError, Unavailable
from orders import commands
from orders.errors import NotDue
from orders.repository import OVERDUE_LIMIT, OrderRepository

log = logging.getLogger(__name__)

JOB = "overdue_orders"
"""Name of this job in the metric of last successes."""
SWEEP_SECONDS = 0.5
GRACE = timedelta(seconds=0.5)
"""Leaves the timer service time to act first."""
AT_ONCE = 100
"""Concurrent expirations: hundreds that are due together share round trips and end within a second."""


async def sweep(orders: OrderRepository, hold: timedelta) -> int:
    """Expires at most OVERDUE_LIMIT orders that are overdue for longer than the grace.

    Returns the number of orders that need no further sweep. A failed order is logged and left to a later
    sweep; the other orders are expired.
    """
    overdue = await orders.overdue(times.now() - GRACE, hold)
    turns = asyncio.Semaphore(AT_ONCE)

    async def expire(order_id: str) -> bool:
        async with turns:
            try:
                await commands.expire(orders, order_id, hold)
            except (NotDue, Unavailable) as error:
                log.info("not expired", extra={"order": order_id, "error": repr(error)})
                return False
            except Exception:
                log.exception("expiry of an order failed", extra={"order": order_id})
                return False
            return True

    return sum(await asyncio.gather(*(expire(order_id) for order_id in overdue)))


async def run(orders: OrderRepository, hold: timedelta) -> None:
    """Sweeps in a loop until the task is cancelled.

    After a full page without a failure, the next sweep follows at once.
    """
    expired = 0
    while True:
        await asyncio.sleep(SWEEP_SECONDS if expired < OVERDUE_LIMIT else 0)
        expired = 0
        try:
            expired = await sweep(orders, hold)
            jobs.succeeded(JOB)
        except (DatabaseError, Unavailable) as error:
            log.warning("overdue orders not swept", extra={"error": repr(error)})
        except Exception:
            log.exception("sweep of overdue orders failed")
