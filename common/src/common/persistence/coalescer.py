"""Group commit: items that arrive while a flush is under way share the next one.

At rest an item waits for nobody. Under load a round trip to the database, by far the dearest part of a
small request, is paid once for a whole batch. A flush begins after each of its items was submitted, so a
batched read sees every write that was acknowledged before it was asked for.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

I = TypeVar("I")  # noqa: E741
R = TypeVar("R")

Flush = Callable[[Sequence[I]], Awaitable[Sequence[R | Exception]]]
"""Gives one result, or one exception, for each item, in order. What it raises itself is every item's."""


class Coalescer(Generic[I, R]):
    def __init__(self, flush: Flush[I, R], limit: int = 200, gather: float = 0.0) -> None:
        """At most `limit` items a flush; `gather` is how long, in seconds, a flush waits for company."""
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
        """Returns when nothing waits any more."""
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
