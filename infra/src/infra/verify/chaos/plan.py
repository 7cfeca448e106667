"""Which process meets which fault at which moment: all of it follows from the seed."""

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
    """SIGKILL; the runner starts it again."""
    PAUSE = "pause"
    """SIGSTOP, and SIGCONT after a while: alive, but silent."""
    RESTART = "restart"
    """SIGTERM: what a deployment does."""


PROCESSES = (*SERVICES, "worker", "nats", "redis", "edge", "mongo")
EVERY_SECONDS = 4.0
QUIET_SECONDS = 2.0
"""At the start, so that there is something to break."""
PAUSE_SECONDS = (0.5, 4.0)


@dataclass(frozen=True, slots=True)
class Fault:
    """`at` is in seconds from the start; `lasts` is 0 but for a pause."""

    at: float
    process: str
    kind: Kind
    lasts: float


def schedule(seed: int, duration: float, processes: Sequence[str] = PROCESSES) -> Sequence[Fault]:
    """About one fault in four seconds; all processes in each eleven faults, all kinds of each in turn."""
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
    """All of the items in a random order, then all of them in another one, and so on."""
    while True:
        yield from chance.sample(items, len(items))
