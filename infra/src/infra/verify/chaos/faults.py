"""Application of the plan's faults to the processes."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

from infra.verify.chaos.plan import Fault, Kind
from infra.verify.target import Target

SIGNALS = {Kind.KILL: signal.SIGKILL, Kind.PAUSE: signal.SIGSTOP, Kind.RESTART: signal.SIGTERM}
WAIT_FOR_PID = 8.0


class Faults:
    """Faults of one run.

    `done` counts by process and kind; `missed` counts faults whose process was not running in time.
    """

    def __init__(self, target: Target, plan: Sequence[Fault]) -> None:
        self._target = target
        self._plan = plan
        self.done: Counter[tuple[str, Kind]] = Counter()
        self.missed: list[Fault] = []

    async def run(self) -> None:
        """Apply the faults.

        Faults may overlap: one process may still be paused when the next one is killed.
        """
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for fault in self._plan:
                await asyncio.sleep(max(0.0, began + fault.at - time.monotonic()))
                group.create_task(self._inject(fault))

    async def _inject(self, fault: Fault) -> None:
        pid = await self._pid(fault.process)
        if pid is None or not _sent(pid, SIGNALS[fault.kind]):
            self.missed.append(fault)
            return
        self.done[fault.process, fault.kind] += 1
        if fault.kind is Kind.PAUSE:
            try:
                await asyncio.sleep(fault.lasts)
            finally:
                _sent(pid, signal.SIGCONT)

    async def _pid(self, process: str) -> int | None:
        """Pid of the process; waits while it restarts."""
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_FOR_PID):
                while (pid := self._target.pid(process)) is None:
                    await asyncio.sleep(0.1)
                return pid
        return None


def _sent(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
