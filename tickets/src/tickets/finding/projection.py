"""Projection of the ticket events into the search index of this process.

Reads the stream from the index's place in it, and goes on for ever. Threads write and search, so that the
event loop goes on meanwhile. Until all is read, and after a failure, `find` raises NotCaughtUp.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from common.base.errors import Unavailable
from common.messaging.stream import Stored, Stream
from tickets.finding import memory, metrics
from tickets.finding.folders import Folder
from tickets.finding.index import Broken, Hit, Index
from tickets.finding.queries import Search
from tickets.finding.writer import Writer

log = logging.getLogger(__name__)

SUBJECT = "ticket.>"
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
COMMIT_SECONDS = 0.3
"""Pause between two commits: each costs as much as some hundred events."""
IDLE_SECONDS = 60.0
"""Longest pause between two looks at what is over, while no event comes."""
RETRY_SECONDS = 1.0
MAX_WAITING = 4_000
"""Events that may wait for the writer; then the stream waits."""
SEARCHING_THREADS = 2

R = TypeVar("R")


class NotCaughtUp(Exception):
    """The index has not all tickets yet, or is broken: another way has to answer."""


class Projection:
    """A `service.Subscription` that is always ready: without it searches are slower, and nothing else."""

    ready = True

    def __init__(self, stream: Stream, directory: Path) -> None:
        memory.give_back()
        self._stream = stream
        self._directory = directory
        self._writing = ThreadPoolExecutor(1, "search-writer")
        self._searching = ThreadPoolExecutor(SEARCHING_THREADS, "search")
        self._folder: Folder | None = None
        self._index: Index | None = None
        self._writer: Writer | None = None
        self._caught_up = False
        self._waiting: list[Stored] = []
        self._at_end = False
        self._arrived, self._room = asyncio.Event(), asyncio.Event()

    @property
    def caught_up(self) -> bool:
        return self._caught_up

    async def run(self) -> None:
        """Runs until cancelled, on a connected stream. An index that breaks is made again."""
        while True:
            try:
                await self._project()
            except Broken as error:
                log.warning("the search index is broken, it is made again", extra={"error": repr(error)})
                await self._clear()
            except (Unavailable, OSError) as error:
                log.warning("the search index is not fed", extra={"error": repr(error)})
            await asyncio.sleep(RETRY_SECONDS)

    async def drained(self) -> None:
        """Returns at once: the next process reads what was not committed."""

    async def close(self) -> None:
        """Frees the folder for the next process."""
        self._set_caught_up(False)
        if self._index is not None:
            await self._in_writer(self._index.close)
        self._writing.shutdown(wait=False)
        self._searching.shutdown(wait=False)

    async def find(self, search: Search, limit: int) -> Sequence[Hit]:
        """At most `limit` hits, in the order of the search. Raises NotCaughtUp."""
        if self._index is None or not self._caught_up:
            raise NotCaughtUp
        loop, index = asyncio.get_running_loop(), self._index
        try:
            with metrics.QUERY_SECONDS.labels(search.sort.value).time():
                return await loop.run_in_executor(self._searching, index.find, search, limit)
        except Broken as error:
            log.warning("the search index can't be searched", extra={"error": repr(error)})
            raise NotCaughtUp from error

    async def _project(self) -> None:
        """Until the stream breaks off, or the index breaks."""
        index, writer = await self._opened()
        last = await self._stream.last([SUBJECT])
        if index.position > (0 if last is None else last.sequence):
            raise Broken("the stream ends before the index's place in it")
        self._waiting, self._at_end = [], False
        tasks = [
            asyncio.create_task(self._read(index.position)),
            asyncio.create_task(self._write(writer)),
        ]
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _opened(self) -> tuple[Index, Writer]:
        if self._folder is None:
            self._folder = await self._in_writer(partial(Folder, self._directory))
        if self._index is None:
            self._index = await self._in_writer(partial(Index, self._folder))
            if not self._index.position:
                metrics.REBUILDS.inc()
        if self._writer is None:
            self._writer = Writer(self._index)
        return self._index, self._writer

    async def _clear(self) -> None:
        self._set_caught_up(False)
        self._writer = None
        if self._index is None:
            return
        try:
            await self._in_writer(self._index.clear)
            metrics.REBUILDS.inc()
        except (Broken, OSError) as error:
            log.warning("the search index can't be made again", extra={"error": repr(error)})

    async def _read(self, position: int) -> None:
        async with aclosing(self._stream.follow(SUBJECT, BEGINNING, position)) as batches:
            async for batch in batches:
                self._waiting += batch
                self._at_end = not batch
                self._arrived.set()
                while len(self._waiting) > MAX_WAITING:
                    self._room.clear()
                    await self._room.wait()

    async def _write(self, writer: Writer) -> None:
        began, events = time.monotonic(), 0
        while True:
            await self._some()
            at_end, batch, self._waiting = self._at_end, self._waiting, []
            self._room.set()
            events += len(batch)
            await self._in_writer(partial(writer.apply, batch, at_end))
            if at_end and not self._caught_up:
                about = {"events": events, "seconds": time.monotonic() - began}
                log.info("search index caught up", extra=about)
                self._set_caught_up(True)
            await asyncio.sleep(COMMIT_SECONDS if self._caught_up else 0)

    async def _some(self) -> None:
        """Waits for events, or until it is time to look at what is over."""
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                await self._arrived.wait()
        except TimeoutError:
            return
        self._arrived.clear()

    async def _in_writer(self, call: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._writing, call)

    def _set_caught_up(self, caught_up: bool) -> None:
        self._caught_up = caught_up
        metrics.CAUGHT_UP.set(caught_up)
