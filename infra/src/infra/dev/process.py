"""One supervised process: started, watched, restarted after a crash, stopped."""

import asyncio
import os
import signal
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from infra.dev.output import Output
from infra.dev.spawn import spawn

STOP_TIMEOUT = 10.0
"""Seconds between SIGTERM and SIGKILL."""

STEADY = 3.0
"""Seconds. A process that lived this long restarts without a delay after a crash."""

BACKOFF = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Seconds before the first, second, ... restart in a row; the last one repeats."""


def delay(failures: int) -> float:
    return BACKOFF[min(failures, len(BACKOFF) - 1)]


@dataclass
class Supervised:
    """Supervised process. `changed` receives the pid of each new process after a start or restart."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    output: Output
    changed: Callable[[], None]
    orphaned: signal.Signals = signal.SIGKILL
    pid: int | None = None
    _process: Process | None = None
    _keeper: asyncio.Task[None] | None = None
    _stopping: bool = field(default=False)

    @property
    def is_stopped(self) -> bool:
        return self._stopping and self.pid is None

    async def start(self) -> None:
        """Starts it, also again after a stop."""
        self._stopping = False
        await self._spawn()
        self._keeper = asyncio.create_task(self._keep(), name=self.name)

    async def _spawn(self) -> None:
        self._process = await spawn(self.command, self.env, self.orphaned)
        self.pid = self._process.pid
        self.changed()

    async def _keep(self) -> None:
        failures = 0
        while True:
            began = time.monotonic()
            code = await self._watch()
            if self._stopping:
                return
            failures = 0 if time.monotonic() - began > STEADY else failures
            wait = delay(failures)
            failures += 1
            when = f"in {wait:g} s" if wait else "now"
            self.output.note(f"{self.name} {describe(code)}: starting it again {when}")
            await asyncio.sleep(wait)
            await self._spawn()

    async def _watch(self) -> int:
        """Copy the output until the process ends; returns its exit code. Does not wait for its children."""
        assert self._process is not None
        assert self._process.stdout is not None
        copying = asyncio.create_task(self.output.copy(self.name, self._process.stdout))
        code = await self._process.wait()
        self.pid = None
        with suppress(TimeoutError):
            await asyncio.wait_for(copying, 0.2 if not self._stopping else 1)
        return code

    async def stop(self, timeout: float = STOP_TIMEOUT) -> None:
        """Send SIGTERM, and SIGKILL after `timeout` seconds, to the process and all its descendants."""
        self._stopping = True
        if self._keeper is None:
            return
        if self.pid is None:
            self._keeper.cancel()
        self._signal(signal.SIGTERM)
        done, _ = await asyncio.wait([self._keeper], timeout=timeout)
        if not done:
            self.output.note(f"{self.name} did not stop within {timeout:g} s: killed")
            self._signal(signal.SIGKILL)
            await asyncio.wait([self._keeper])

    def _signal(self, sent: signal.Signals) -> None:
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, sent)


def describe(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with code {code}"
