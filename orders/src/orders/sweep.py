"""Sweep of overdue orders: expires them where a timer was lost, so that no ticket stays held for ever."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
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
    return await each(overdue, lambda order_id: commands.expire(orders, order_id, hold))


async def each(order_ids: Iterable[str], end: Callable[[str], Awaitable[None]]) -> int:
    """Ends each order, side by side. Returns the number of those that did not fail."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def ended(order_id: str) -> bool:
        async with turns:
            try:
                await end(order_id)
            except (NotDue, Unavailable) as error:
                log.info("not ended", extra={"order": order_id, "error": repr(error)})
                return False
            except Exception:
                log.exception("end of an order failed", extra={"order": order_id})
                return False
            return True

    return sum(await asyncio.gather(*(ended(order_id) for order_id in order_ids)))


async def run(orders: OrderRepository, hold: timedelta) -> None:
    """Sweeps overdue orders in a loop until the task is cancelled."""
    await repeated(JOB, lambda: sweep(orders, hold))


async def repeated(job: str, sweep: Callable[[], Awaitable[int]]) -> None:
    """Sweeps in a loop until the task is cancelled.

    After a full page without a failure, the next sweep follows at once.
    """
    ended = 0
    while True:
        await asyncio.sleep(SWEEP_SECONDS if ended < OVERDUE_LIMIT else 0)
        ended = 0
        try:
            ended = await sweep()
            jobs.succeeded(job)
        except (DatabaseError, Unavailable) as error:
            log.warning("orders not swept", extra={"job": job, "error": repr(error)})
        except Exception:
            log.exception("sweep of orders failed", extra={"job": job})
