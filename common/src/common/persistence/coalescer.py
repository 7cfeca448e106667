"""Group commit: items that arrive while a flush is under way share the next one.

At rest an item is flushed at once. Under load one round trip to the database, by far the most expensive part
of a small request, serves a whole batch. A flush begins after all of its items were submitted, so a batched
read sees every write that was acknowledged before the read was submitted.

One flush runs at a time: a slow read delays the reads that wait behind it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

I = TypeVar("I")  # noqa: E741
R = TypeVar("R")

Flush = Callable[[Sequence[I]], Awaitable[Sequence[R | Exception]]]
"""Returns one result or exception an item, in order. An exception that it raises is every item's."""


class Coalescer(Generic[I, R]):
    def __init__(self, flush: Flush[I, R], limit: int = 200, gather: float = 0.0) -> None:
        """limit: Most items of a flush. gather: Seconds that a flush waits for further items."""
        self._flush = flush
        self._limit = limit
        self._gather = gather
        self._waiting: list[tuple[I, asyncio.Future[R]]] = []
        self._task: asyncio.Task[None] | None = None

    async def submit(self, item: I) -> R:
        return await self.enqueue(item)

    def enqueue(self, item: I) -> asyncio.Future[R]:
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None:
            self._task = asyncio.create_task(self._drain())
        return future

    async def drained(self) -> None:
        """Returns once every submitted item was flushed."""
        while self._task is not None:
            await asyncio.wait([self._task])

    async def _drain(self) -> None:
        try:
            while self._waiting:
                if self._gather:
                    await asyncio.sleep(self._gather)
                batch, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
                await self._settle(batch)
        finally:
            self._task = None

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
