"""Ends overdue orders when nobody told: whatever becomes of a timer, no ticket stays held for ever."""

import asyncio
import logging
from datetime import timedelta

from pymongo.errors import PyMongoError

from common import times
from common.errors import Unavailable
from orders import commands
from orders.errors import NotDue
from orders.repository import OrderRepository

log = logging.getLogger(__name__)

SWEEP_SECONDS = 1.0
GRACE = timedelta(seconds=1)
"""The timer service goes first: its event says what happened."""


async def sweep(orders: OrderRepository, hold: timedelta) -> int:
    """Expires what has been overdue for longer than the grace; returns how many it tried."""
    overdue = await orders.overdue(times.now() - GRACE, hold)
    for order_id in overdue:
        try:
            await commands.expire(orders, order_id, hold)
        except (NotDue, Unavailable) as error:
            log.info("not expired", extra={"order": order_id, "error": repr(error)})
    return len(overdue)


async def run(orders: OrderRepository, hold: timedelta) -> None:
    """Sweeps for as long as the service lives."""
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        try:
            await sweep(orders, hold)
        except (PyMongoError, TimeoutError) as error:
            log.warning("overdue orders not swept", extra={"error": repr(error)})
