"""Polling: repeats a read for a moment, until an event has reached the service that answers."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Polling:
    """seconds: Longest wait. every: Pause between two reads, in seconds."""

    seconds: float = 2.0
    every: float = 0.1

    async def until(self, settled: Callable[[T], bool], ask: Callable[[], Awaitable[T]]) -> T:
        """Returns the first settled answer, or the last one when the time is over."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + self.seconds
        answer = await ask()
        while not settled(answer) and clock() < deadline:
            await asyncio.sleep(self.every)
            answer = await ask()
        return answer
