"""Pool of worker processes, each of which reads one file and ends.

A spare worker waits, started and confined, so that an upload does not wait for Python to start.
"""

import asyncio
import logging
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from common.base.errors import BadRequest
from tickets.errors import (
    FileHasTooManyPages,
    FileHasTooManyPixels,
    FileNotReadable,
    FileProtected,
    UploadsBusy,
)
from tickets.files.limits import MAX_STORED_BYTES, WAITING, WALL_SECONDS, WORKERS
from tickets.files.protocol import LENGTH, BrokenAnswer, Reading, Refusal, decoded, framed
from tickets.files.worker import READY

log = logging.getLogger(__name__)

END_SECONDS = 0.5
"""Time for a worker to end by itself, which it does unless its file has stuck it."""

_REFUSALS: Mapping[Refusal, type[BadRequest]] = {
    Refusal.UNREADABLE: FileNotReadable,
    Refusal.PROTECTED: FileProtected,
    Refusal.PAGES: FileHasTooManyPages,
    Refusal.PIXELS: FileHasTooManyPixels,
}
_COMMAND = (sys.executable, "-I", "-m", "tickets.files.worker")


class FileReader(Protocol):
    async def read(self, content: bytes) -> Reading:
        """Raises the BadRequest of a refused file, and UploadsBusy where too many wait."""
        ...

    async def close(self) -> None: ...


def accepted(answer: Reading | Refusal) -> Reading:
    """Raises the BadRequest of a refusal."""
    if isinstance(answer, Refusal):
        raise _REFUSALS[answer]()
    return answer


class Readers:
    """wall_seconds: Longest time for a file, from its sending to its answer."""

    def __init__(
        self, workers: int = WORKERS, waiting: int = WAITING, wall_seconds: float = WALL_SECONDS
    ) -> None:
        self._places = workers + waiting
        self._turns = asyncio.Semaphore(workers)
        self._wall_seconds = wall_seconds
        self._asked = 0
        self._spare: asyncio.Task[Process] | None = None

    async def read(self, content: bytes) -> Reading:
        if self._asked >= self._places:
            raise UploadsBusy()
        self._asked += 1
        try:
            async with self._turns:
                return accepted(await self._answer(content))
        finally:
            self._asked -= 1

    async def close(self) -> None:
        """Ends the spare worker."""
        if self._spare is not None:
            with suppress(OSError, EOFError):
                await _end(await self._spare)
            self._spare = None

    async def _answer(self, content: bytes) -> Reading | Refusal:
        async with self._worker() as worker:
            try:
                async with asyncio.timeout(self._wall_seconds):
                    return decoded(await _asked(worker, content))
            except TimeoutError:
                log.warning("file took too long to read", extra={"bytes": len(content)})
            except (asyncio.IncompleteReadError, OSError, ValueError, KeyError, TypeError) as error:
                log.warning("file ended its reader", extra={"bytes": len(content), "error": repr(error)})
            return Refusal.UNREADABLE

    @asynccontextmanager
    async def _worker(self) -> AsyncIterator[Process]:
        """The spare worker, or a new one. The next spare starts as this one works."""
        taken, self._spare = self._spare, None
        worker = await _started() if taken is None else await taken
        try:
            self._spare = self._spare or asyncio.create_task(_started())
            yield worker
        finally:
            await _end(worker)


async def _started() -> Process:
    worker = await asyncio.create_subprocess_exec(
        *_COMMAND, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}, close_fds=True
    )
    assert worker.stdout is not None
    await worker.stdout.readexactly(len(READY))
    return worker


async def _asked(worker: Process, content: bytes) -> bytes:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(framed(content))
    await worker.stdin.drain()
    (length,) = LENGTH.unpack(await worker.stdout.readexactly(LENGTH.size))
    if length > 2 * MAX_STORED_BYTES:
        raise BrokenAnswer("too long an answer")
    return await worker.stdout.readexactly(length)


async def _end(worker: Process) -> None:
    """A worker that has answered ends by itself, and one without a file at the end of its input."""
    assert worker.stdin is not None
    worker.stdin.close()
    try:
        async with asyncio.timeout(END_SECONDS):
            await worker.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            worker.kill()
        await worker.wait()
