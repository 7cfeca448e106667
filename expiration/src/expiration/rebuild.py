"""`python -m expiration rebuild`: sets the timers of open orders and undecided sales, after Redis lost them.

Bounded by those that were open or undecided at any one moment: one that ended is forgotten as its end is
read. One that ends while this runs may get a timer all the same; orders lets it pass, as any late one.
"""

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import datetime

from redis.exceptions import RedisError

from common.base.errors import Unavailable
from common.contract.events import (
    OrderAccepted,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderDelivered,
    OrderDisputed,
    OrderRefunded,
)
from common.messaging.events import Unreadable, read
from common.messaging.stream import Stored, Stream
from expiration.listeners import deadline_of
from expiration.timers import Deadline, Timers

log = logging.getLogger(__name__)

CONCURRENCY = 16
KINDS = {
    str(kind.subject): kind
    for kind in (
        OrderCreated,
        OrderCancelled,
        OrderCompleted,
        OrderDelivered,
        OrderAccepted,
        OrderDisputed,
        OrderRefunded,
    )
}
Timer = Deadline | datetime
"""Of an order: its deadline, or the end of its hold."""


@dataclass
class Report:
    events: int
    open: int
    missing: int
    seconds: float

    def __str__(self) -> str:
        rate = self.events / max(self.seconds, 0.001)
        return (
            f"events     {self.events} read\n"
            f"orders     {self.open} open or undecided\n"
            f"set        {self.missing} timers that were missing\n"
            f"seconds    {self.seconds:.2f}, {rate:.0f} events/s"
        )


async def rebuild(stream: Stream, timers: Timers) -> Report:
    """Raises `errors.Unavailable`. Idempotent: it can be run again, also after a crash."""
    started = time.perf_counter()
    due: dict[str, Timer] = {}
    events = 0
    async for batch in stream.history([f"{subject}.*" for subject in KINDS]):
        events += len(batch)
        for message in batch:
            _follow(due, message)
    missing = await _set(timers, due)
    return Report(events, len(due), missing, time.perf_counter() - started)


def _follow(due: dict[str, Timer], message: Stored) -> None:
    try:
        event = read(KINDS[message.subject.rpartition(".")[0]], message.data, message.headers)
    except Unreadable as error:
        log.warning("unreadable event", extra={"sequence": message.sequence, "reason": str(error)})
        return
    match event:
        case OrderCreated():
            due[event.id] = event.expires_at
        case OrderCompleted() | OrderDelivered() if (deadline := deadline_of(event)) is not None:
            due[event.id] = deadline
        case _:
            due.pop(event.id, None)


async def _set(timers: Timers, due: dict[str, Timer]) -> int:
    """Sets the missing timers and returns their number; existing ones stay."""
    try:
        pending = await timers.pending()
    except RedisError as error:
        raise Unavailable("The timers are down") from error
    missing = [order_id for order_id, timer in due.items() if _job_id(order_id, timer) not in pending]
    for start in range(0, len(missing), CONCURRENCY):
        batch = missing[start : start + CONCURRENCY]
        await asyncio.gather(*(_set_one(timers, order_id, due[order_id]) for order_id in batch))
    return len(missing)


def _job_id(order_id: str, timer: Timer) -> str:
    return timer.job_id if isinstance(timer, Deadline) else order_id


async def _set_one(timers: Timers, order_id: str, timer: Timer) -> None:
    if isinstance(timer, Deadline):
        await timers.set_deadline(timer)
    else:
        await timers.set(order_id, timer)
