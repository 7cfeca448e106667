"""Connections to the compared stores, and one comparison of all of them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import nats
import nats.errors
from nats.aio.client import Client
from redis.asyncio import Redis
from redis.exceptions import RedisError

from common.base.errors import DatabaseError, Unavailable
from common.contract.stream import MARKETPLACE
from common.messaging.nats_connection import credentials
from common.messaging.stream import MESSAGE_ID
from common.persistence import mongo
from infra.verify import events
from infra.verify.reconcile import holds, ledger, leftovers, money, replicas, versions
from infra.verify.reconcile.addresses import Addresses
from infra.verify.reconcile.books import Books
from infra.verify.reconcile.report import Report

TIMERS_KEY = "expiration"
"""arq's queue of the timers: a sorted set of order ids by the millisecond they are due."""
PAUSE = 1.0
OUT_OF_REACH = (DatabaseError, Unavailable, RedisError, nats.errors.Error, OSError, TimeoutError)
"""Errors of unreachable stores."""


@dataclass(frozen=True, slots=True)
class View:
    books: Books
    redis: "Redis | None"
    broker: Client | None

    async def look(self, *, stream: bool = True) -> Report:
        """Compare once. Raises one of OUT_OF_REACH."""
        report = Report()
        await holds.check(self.books, report)
        await replicas.check(self.books, report)
        await money.check(self.books, report)
        await ledger.check(self.books, report)
        await leftovers.check(self.books, await self._timers(), datetime.now(UTC), report)
        if stream and self.broker is not None:
            await self.look_at_events(report)
        else:
            report.note("The event store is not compared.")
        return report

    async def look_at_events(self, report: Report) -> None:
        assert self.broker is not None
        info = await self.broker.jetstream().stream_info(MARKETPLACE.name)
        await versions.check(self.books, self._events, info.state.messages, report)

    async def dead_letters(self) -> int:
        if self.broker is None:
            return 0
        return (await self.broker.jetstream().stream_info(MARKETPLACE.dead_letters)).state.messages

    async def _timers(self) -> dict[str, datetime] | None:
        if self.redis is None:
            return None
        found = await self.redis.zrange(TIMERS_KEY, 0, -1, withscores=True)
        return {order_id.decode(): datetime.fromtimestamp(due / 1000, UTC) for order_id, due in found}

    async def _events(self) -> AsyncIterator[tuple[str, bytes]]:
        assert self.broker is not None
        async for message in events.stored(self.broker, versions.SUBJECTS):
            yield message.headers.get(MESSAGE_ID, ""), message.data


async def settled(view: View, seconds: float, *, stream: bool = True) -> tuple[Report, float]:
    """The first report without disagreements, or the last report; and the seconds it took."""
    began = time.monotonic()
    while True:
        report = await view.look(stream=stream)
        took = time.monotonic() - began
        if report.is_clean or took >= seconds:
            return report, took
        await asyncio.sleep(PAUSE)


async def _raised_anyway(_error: Exception) -> None:
    """Replaces the client's own error callback, which prints; the error is raised anyway."""


@asynccontextmanager
async def opened(addresses: Addresses) -> AsyncIterator[View]:
    databases = {name: mongo.connect(uri, name) for name, uri in addresses.databases.items()}
    redis = Redis.from_url(addresses.redis) if addresses.redis else None
    broker = None
    try:
        if addresses.nats:
            broker = await nats.connect(
                addresses.nats.split(","),
                connect_timeout=2,
                reconnect_time_wait=1,
                max_reconnect_attempts=2,
                error_cb=_raised_anyway,
                **credentials(addresses.identity),
            )
        yield View(Books(**databases), redis, broker)
    finally:
        if broker is not None:
            await broker.close()
        if redis is not None:
            await redis.aclose()
        for database in databases.values():
            await database.close()
