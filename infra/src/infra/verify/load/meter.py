"""CPU time and memory of processes, from /proc."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system CPU time of the process so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def resident_megabytes(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


@dataclass(frozen=True, slots=True)
class Meter:
    """CPU meter that starts at its creation.

    `idle`: CPU seconds that the processes use per second without requests.
    """

    pids: Sequence[int]
    idle: float
    _before: Mapping[int, float]
    _started: float

    @classmethod
    def start(cls, pids: Sequence[int], idle: float = 0.0) -> "Meter":
        return cls(pids, idle, {pid: cpu_seconds(pid) for pid in pids}, time.perf_counter())

    def seconds(self) -> float:
        """CPU seconds since the start, without the idle share."""
        spent = sum(self.seconds_of(pid) for pid in self.pids)
        return spent - self.idle * (time.perf_counter() - self._started)

    def seconds_of(self, pid: int) -> float:
        """CPU seconds of one process since the start, with the idle share."""
        return cpu_seconds(pid) - self._before[pid]
