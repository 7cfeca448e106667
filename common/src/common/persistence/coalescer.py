"""Group commit: items that arrive while a flush is under way share the next one.

At rest an item is flushed at once. Under load one round trip to the database, by far the most expensive part
of a small request, serves a whole batch. A flush begins after all of its items were submitted, so a batched
read sees every write that was acknowledged before the read was submitted.

A flush that lasts longer than OVERTAKE_SECONDS is overtaken: the next one starts beside it, up to IN_FLIGHT
of them. So a slow read delays only the reads that share its flush, unless IN_FLIGHT of them are slow at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

I = TypeVar("I")  # noqa: E741
R = TypeVar("R")

Flush = Callable[[Sequence[I]], Awaitable[Sequence[R | Exception]]]
"""Returns one result or exception an item, in order. An exception that it raises is every item's."""

OVERTAKE_SECONDS = 0.03
"""Longer than nearly every round trip, so that a busy database gets no more and smaller batches."""
IN_FLIGHT = 4
"""A quarter of the connections of a process (`mongo.connect`)."""


class Coalescer(Generic[I, R]):
    def __init__(self, flush: Flush[I, R], limit: int = 200, gather: float = 0.0) -> None:
        """limit: Most items of a flush. gather: Seconds that a flush waits for further items."""
        self._flush = flush
        self._limit = limit
        self._gather = gather
        self._waiting: list[tuple[I, asyncio.Future[R]]] = []
        self._flushing: set[asyncio.Task[None]] = set()
        self._next: asyncio.Task[None] | None = None
        """The task that starts the next flush, unless it is overtaken."""

    async def submit(self, item: I) -> R:
        return await self.enqueue(item)

    def enqueue(self, item: I) -> asyncio.Future[R]:
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._start()
        return future

    async def drained(self) -> None:
        """Returns once every submitted item was flushed."""
        while self._flushing:
            await asyncio.wait(self._flushing)

    def _start(self) -> None:
        if self._next is None and self._waiting and len(self._flushing) < IN_FLIGHT:
            self._next = asyncio.create_task(self._drain())
            self._flushing.add(self._next)

    async def _drain(self) -> None:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None
        try:
            while self._waiting and self._next in (None, task):
                self._next = task
                if self._gather:
                    await asyncio.sleep(self._gather)
                batch, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
                overtaking = loop.call_later(OVERTAKE_SECONDS, self._overtake, task)
                await self._settle(batch)
                overtaking.cancel()
        finally:
            self._flushing.discard(task)
            if self._next is task:
                self._next = None
        self._start()

    def _overtake(self, slow: "asyncio.Task[None]") -> None:
        if self._next is slow:
            self._next = None
            self._start()

    async def _settle(self, batch: Sequence[tuple[I, asyncio.Future[R]]]) -> None:
        results: Sequence[R | Exception]
        try:
            results = await self._flush([item for item, _ in batch])
        except Exception as error:
            results = [error] * len(batch)
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
