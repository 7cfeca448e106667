"""Walk of the fleet from one version to the other, with counts of the users' answers meanwhile."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from infra.verify.rollout.counter import CountingShop
from infra.verify.rollout.fleet import Fleet, Restart
from infra.verify.rollout.versions import Version

AFTER_SECONDS = 0.5
"""Between a replacement and the next: answers to earlier requests are counted before."""

Look = Callable[[str], Awaitable[None]]
"""Called after each group of replacements, with its members in words."""


@dataclass(slots=True)
class Walked:
    """Figures of one walk.

    `failed`: requests without an answer or with a 5xx, while processes were replaced gracefully. `excused`:
    the same while a process was killed.
    """

    seconds: float = 0.0
    replaced: int = 0
    killed: int = 0
    requests: int = 0
    failed: int = 0
    excused: int = 0

    def __str__(self) -> str:
        return (
            f"{self.replaced} processes replaced in {self.seconds:.0f} s, {self.killed} of them by kill -9; "
            f"{self.requests:,} requests, {self.failed} failed"
            f"{f', {self.excused} more at a kill' if self.excused else ''}"
        )


async def walk(
    fleet: Fleet, groups: Iterable[Sequence[Restart]], version: Version, shop: CountingShop, look: Look
) -> Walked:
    walked, began, first = Walked(), time.monotonic(), shop.ledger.requests
    for group in groups:
        before = shop.failures
        await asyncio.gather(*(fleet.replace(restart, version) for restart in group))
        await asyncio.sleep(AFTER_SECONDS)
        failed = shop.failures - before
        walked.replaced += len(group)
        if any(restart.kill for restart in group):
            walked.killed += len(group)
            walked.excused += failed
        else:
            walked.failed += failed
        await look(", ".join(restart.member for restart in group))
    walked.requests = shop.ledger.requests - first
    walked.seconds = time.monotonic() - began
    return walked
