"""Lifespan of a service: connections, indexes, the consumer, relays, background jobs.

The start waits for no dependency: they come up in any order and are awaited in the background, while
`/readyz` names the missing ones.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from fastapi import FastAPI

from common.base.errors import DatabaseError, Unavailable
from common.base.logs import Repetitions
from common.http.health import Check
from common.messaging.stream import Stream

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.25
STOP_SECONDS = 8.0


class HasIndexes(Protocol):
    """A repository whose indexes exist before the service is ready."""

    async def prepare(self) -> None: ...


class Connection(Protocol):
    """A database as the service sees it: a `mongo.Database`."""

    async def is_up(self) -> bool: ...

    async def close(self) -> None: ...


class Worker(Protocol):
    """A part that works in the background, such as an `outbox.Relay`."""

    async def run(self) -> None:
        """Until cancelled."""

    async def drained(self) -> None:
        """Returns once the work in progress at the cancellation has ended."""


class Subscription(Worker, Protocol):
    """Reads the connected stream: a durable `Consumer`, a `CatchUpSubscription` or a `FollowSubscription`."""

    @property
    def ready(self) -> bool: ...


@dataclass
class Service:
    """The parts of a service, started and stopped together by `lifespan`.

    replays: States in memory that follow from the stream: each process has its own, and none needs the
        database.
    """

    database: Connection | None = None
    stream: Stream | None = None
    collections: Sequence[HasIndexes] = ()
    relays: Sequence[Worker] = ()
    consumer: Subscription | None = None
    replays: Sequence[Subscription] = ()
    jobs: Sequence[Callable[[], Coroutine[Any, Any, None]]] = ()
    on_stop: Sequence[Callable[[], Awaitable[None]]] = ()
    prepared: bool = field(default=False, init=False)
    _connected: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    def checks(self) -> dict[str, Check]:
        checks: dict[str, Check] = {}
        if self.database is not None:
            checks["database"] = self.database.is_up
            checks["indexes"] = self._is_prepared
        if self.stream is not None:
            checks["event stream"] = self._is_stream_up
        if self.consumer is not None:
            checks["consumer"] = self._is_consuming
        if self.replays:
            checks["replayed events"] = self._has_replayed
        return checks

    @asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._forever(job)) for job in self._background()]
        try:
            yield
        finally:
            await self._stop(tasks)

    def _background(self) -> Sequence[Callable[[], Coroutine[Any, Any, None]]]:
        replays = (self._once_connected(replay) for replay in self.replays)
        jobs = map(self._once_prepared, self.jobs)
        return [self._begin, *(relay.run for relay in self.relays), *replays, *jobs]

    def _once_connected(self, replay: Subscription) -> Callable[[], Coroutine[Any, Any, None]]:
        async def run() -> None:
            await self._connected.wait()
            await replay.run()

        return run

    def _once_prepared(
        self, job: Callable[[], Coroutine[Any, Any, None]]
    ) -> Callable[[], Coroutine[Any, Any, None]]:
        """A job decides on records, and must not on those of a database that is not the service's latest."""

        async def run() -> None:
            while not self.prepared:
                await asyncio.sleep(RETRY_SECONDS)
            await job()

        return run

    async def _begin(self) -> None:
        """Connects, prepares, then consumes, each step for as long as it takes."""
        await asyncio.gather(self._connect(), self._prepare())
        if self.consumer is not None:
            await self.consumer.run()

    async def _connect(self) -> None:
        if self.stream is not None:
            await self.stream.connect()
            self._connected.set()

    async def _prepare(self) -> None:
        refusals = Repetitions()
        while not self.prepared:
            try:
                for store in self.collections:
                    await store.prepare()
                self.prepared = True
            except (DatabaseError, Unavailable) as error:
                if refusals.is_due():
                    log.warning("database not prepared yet", extra={"error": repr(error)})
                await asyncio.sleep(RETRY_SECONDS)

    async def _forever(self, job: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Runs a background job; logs its failure and runs it again."""
        while True:
            try:
                await job()
                return
            except Exception:
                log.exception("background job failed, starting it again")
                await asyncio.sleep(RETRY_SECONDS)

    async def _stop(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        """Graceful stop: takes no further work, finishes the work in progress, closes connections."""
        for task in tasks:
            task.cancel()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.gather(*tasks, return_exceptions=True)
                if self.consumer is not None:
                    await self.consumer.drained()
                for relay in self.relays:
                    await relay.drained()
        except TimeoutError:
            log.warning("stopped with work in progress: the next process does it again")
        for close in self.on_stop:
            try:
                await close()
            except Exception:
                log.exception("not closed, the rest is")
        if self.stream is not None:
            await self.stream.close()
        if self.database is not None:
            await self.database.close()

    async def _is_prepared(self) -> bool:
        return self.prepared

    async def _is_stream_up(self) -> bool:
        return self.stream is not None and self.stream.is_up()

    async def _is_consuming(self) -> bool:
        return self.consumer is not None and self.consumer.ready

    async def _has_replayed(self) -> bool:
        return all(replay.ready for replay in self.replays)
