"""Plan of the faults: process, kind and moment of each, all from the seed."""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import TypeVar

from infra.dev.ports import SERVICES

T = TypeVar("T")


class Kind(StrEnum):
    KILL = "kill"
    """SIGKILL; the runner restarts the process."""
    PAUSE = "pause"
    """SIGSTOP, and SIGCONT later: the process is alive but does not answer."""
    RESTART = "restart"
    """SIGTERM, as in a deployment."""


PROCESSES = (*SERVICES, "worker", "nats", "redis", "edge", "mongo")
EVERY_SECONDS = 4.0
QUIET_SECONDS = 2.0
"""Seconds without faults at the start, so that records exist before the first fault."""
PAUSE_SECONDS = (0.5, 4.0)


@dataclass(frozen=True, slots=True)
class Fault:
    """Planned fault. `at`: seconds from the start; `lasts`: seconds of a pause, else 0."""

    at: float
    process: str
    kind: Kind
    lasts: float


def schedule(seed: int, duration: float, processes: Sequence[str] = PROCESSES) -> Sequence[Fault]:
    """Plan about one fault in four seconds.

    Each eleven faults cover all processes; each process gets all kinds in turn.
    """
    chance = random.Random(f"{seed}:faults")
    count = max(math.ceil(duration / EVERY_SECONDS), len(processes))
    room = (duration - QUIET_SECONDS) / count
    turns = {process: _endless(chance, tuple(Kind)) for process in processes}
    faults = []
    for number, process in enumerate(islice(_endless(chance, processes), count)):
        at = QUIET_SECONDS + (number + chance.random()) * room
        kind = next(turns[process])
        lasts = chance.uniform(*PAUSE_SECONDS) if kind is Kind.PAUSE else 0.0
        faults.append(Fault(round(at, 2), process, kind, round(lasts, 2)))
    return faults


def _endless(chance: random.Random, items: Sequence[T]) -> Iterator[T]:
    """All items in a random order, then all in another random order, without end."""
    while True:
        yield from chance.sample(items, len(items))
