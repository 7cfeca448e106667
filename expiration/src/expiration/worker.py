"""The arq worker: when a timer is due, publishes `expiration.complete` or `deadline.passed`.

A job ends only once the broker confirmed; until then it is retried. A job whose worker was killed runs
again after `JOB_SECONDS` + 10, and publishing twice is the same event.
"""

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

from arq import Retry, Worker, func
from redis.exceptions import RedisError

from common.base.errors import Unavailable
from common.contract.events import DeadlinePassed, ExpirationComplete
from expiration import timers
from expiration.publishers import DeadlinePassedPublisher, ExpirationCompletePublisher
from expiration.settings import Settings

log = logging.getLogger(__name__)

PUBLISHERS = "publishers"
JOB_SECONDS = 5
POLL_SECONDS = 0.25
RETRY_SECONDS = 1.0
CONCURRENCY = 200
"""Concurrent jobs, and the most that one poll starts: more would wait too long for a connection to Redis."""
UNLIMITED = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Publishers:
    complete: ExpirationCompletePublisher
    passed: DeadlinePassedPublisher


async def expire(ctx: dict[str, Any], order_id: str) -> None:
    publishers: Publishers = ctx[PUBLISHERS]
    await _published(publishers.complete.publish(ExpirationComplete(order_id=order_id)))


async def pass_deadline(ctx: dict[str, Any], order_id: str, kind: str, version: int) -> None:
    publishers: Publishers = ctx[PUBLISHERS]
    event = DeadlinePassed(order_id=order_id, kind=kind, version=version)
    await _published(publishers.passed.publish(event))


async def _published(publication: Awaitable[int]) -> None:
    try:
        await publication
    except Unavailable as error:
        raise Retry(defer=RETRY_SECONDS) from error


def create_worker(settings: Settings, publishers: Publishers) -> Worker:
    options: dict[str, Any] = {"keep_result": 0, "max_tries": UNLIMITED, "timeout": JOB_SECONDS}
    return Worker(
        [
            func(expire, name=timers.EXPIRE, **options),
            func(pass_deadline, name=timers.PASS_DEADLINE, **options),
        ],
        queue_name=timers.QUEUE,
        redis_pool=timers.connect(settings.redis_url),
        job_serializer=timers.SERIALIZE,
        job_deserializer=timers.DESERIALIZE,
        ctx={PUBLISHERS: publishers},
        handle_signals=False,
        job_timeout=JOB_SECONDS,
        poll_delay=POLL_SECONDS,
        max_jobs=CONCURRENCY,
        keep_result=0,
        max_tries=UNLIMITED,
        expires_extra_ms=timers.KEEP_OVERDUE_MILLISECONDS,
        log_results=False,
    )


async def work(settings: Settings, publishers: Publishers) -> None:
    """Works until cancelled; restarts the worker once Redis is back."""
    while True:
        worker = create_worker(settings, publishers)
        polling = asyncio.create_task(worker.main())
        try:
            await asyncio.wait([polling])
            await polling
        except (RedisError, OSError) as error:
            log.warning("timers are down, trying again", extra={"error": repr(error)})
            await asyncio.sleep(RETRY_SECONDS)
        finally:
            await _stop_polling(worker, polling)
            await _close(worker)


async def _stop_polling(worker: Worker, polling: asyncio.Task[None]) -> None:
    """Waits for a poll in progress, then cancels until the cancellation has an effect.

    Redis' client keeps the connection of a pipeline that is cancelled while it closes (redis-py 5.3,
    `Pipeline.reset`), and under load it was seen to swallow a cancellation.
    """
    worker.allow_pick_jobs = False
    await asyncio.wait([polling], timeout=POLL_SECONDS)
    while not polling.done():
        polling.cancel()
        await asyncio.wait([polling], timeout=0.1)
    await asyncio.gather(polling, return_exceptions=True)


async def _close(worker: Worker) -> None:
    """Lets running jobs finish. arq's own `close` cancels them, and the cancellation reaches its caller."""
    running = set(worker.tasks.values())
    if running:
        _, late = await asyncio.wait(running, timeout=JOB_SECONDS)
        for job in late:
            job.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    try:
        await worker.pool.aclose(close_connection_pool=True)
    except (RedisError, OSError) as error:
        log.warning("worker not closed cleanly", extra={"error": repr(error)})
