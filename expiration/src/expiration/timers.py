"""One arq job for each hold and each deadline of an order, deferred to its moment, on Redis.

Truth is not here: `orders` sweeps what is overdue too, so a lost timer costs a second, not a ticket.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from arq.connections import ArqRedis
from redis.asyncio import BlockingConnectionPool
from redis.exceptions import RedisError

from common.base import times
from common.base.errors import Unavailable

QUEUE = "expiration"
EXPIRE = "expire"
PASS_DEADLINE = "pass_deadline"
SERIALIZE, DESERIALIZE = orjson.dumps, orjson.loads
"""Serializer of job bodies: JSON, not arq's default of pickle. A worker does not inherit it from its pool."""
KEEP_OVERDUE_MILLISECONDS = 30 * 24 * 3600 * 1000
"""How long a job that is due waits for a worker before Redis forgets it; arq's own default is a day."""


def connect(redis_url: str) -> ArqRedis:
    """Connects on first use, and again as needed."""
    pool: BlockingConnectionPool = BlockingConnectionPool.from_url(
        redis_url, max_connections=16, timeout=5, socket_connect_timeout=2, socket_timeout=5
    )
    return ArqRedis(
        pool,
        job_serializer=SERIALIZE,
        job_deserializer=DESERIALIZE,
        default_queue_name=QUEUE,
        expires_extra_ms=KEEP_OVERDUE_MILLISECONDS,
    )


@dataclass(frozen=True, slots=True)
class Deadline:
    """A deadline of a complete order. kind: A `DeadlineKind`. version: Of the order that has it."""

    order_id: str
    kind: str
    version: int
    due: datetime

    @property
    def job_id(self) -> str:
        return f"{self.order_id}:{self.kind}"


class Timers:
    def __init__(self, redis: ArqRedis) -> None:
        self._redis = redis

    async def set(self, order_id: str, due: datetime) -> None:
        """Sets the order's timer; one that is set already stays as it is, one that is past due fires at once.

        Raises `errors.Unavailable` while Redis is down.
        """
        await self._enqueue(EXPIRE, order_id, job_id=order_id, due=due)

    async def set_deadline(self, deadline: Deadline) -> None:
        """As `set`, for a deadline: an order may have one timer of each kind."""
        given = (deadline.order_id, deadline.kind, deadline.version)
        await self._enqueue(PASS_DEADLINE, *given, job_id=deadline.job_id, due=deadline.due)

    async def _enqueue(self, function: str, *given: object, job_id: str, due: datetime) -> None:
        # Redis refuses a job that would have expired already, such as a replayed order of months ago.
        due = max(due, times.now())
        try:
            await self._redis.enqueue_job(function, *given, _job_id=job_id, _defer_until=due)
        except RedisError as error:
            raise Unavailable("The timers are down") from error

    async def pending(self) -> dict[str, datetime]:
        """Due moments of the outstanding timers, by order id, or a deadline's `job_id`."""
        found: list[tuple[bytes, float]] = await self._redis.zrange(QUEUE, 0, -1, withscores=True)
        return {job_id.decode(): _moment(due) for job_id, due in found}

    async def is_up(self) -> bool:
        try:
            answer: Any = await self._redis.ping()
        except RedisError:
            return False
        return bool(answer)

    async def close(self) -> None:
        await self._redis.aclose(close_connection_pool=True)


def _moment(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
