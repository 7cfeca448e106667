"""Whether a consumer's pending work gets done, for `/readyz` and `/metrics`.

A consumer may be bound and pull, and still handle nothing: its requests are refused, its places are taken by
messages that wait for a dependency, or a listener hangs. All of them look alike from here: work is pending,
and nothing was handled for a while.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from prometheus_client import Gauge

from common.base.errors import Unavailable
from common.messaging.stream import Pending, Source, Stream

log = logging.getLogger(__name__)

WATCH_SECONDS = 5.0
STALLED_SECONDS = 40.0
"""With one more look that is within a minute."""
DEAD_LETTERS_EVERY = 6
"""Looks. The broker counts them subject by subject, which is more work than the rest."""

_UNDELIVERED = Gauge("event_undelivered", "Events that no process was given yet", ["consumer"])
_UNACKNOWLEDGED = Gauge("event_unacknowledged", "Events delivered and not acknowledged", ["consumer"])
_IDLE = Gauge("event_idle_seconds", "Time without a handled event while work was pending", ["consumer"])
_DEAD_LETTERS = Gauge("event_dead_letters", "Dead letters, neither replayed nor dropped", ["consumer"])


class Progress:
    def __init__(self, queue_group: str, stream: Stream, clock: Callable[[], float] = time.monotonic) -> None:
        """clock: Seconds, from any beginning."""
        self._queue_group = queue_group
        self._stream = stream
        self._clock = clock
        self._last = clock()
        self._looks = 0
        self.stalled = False
        """Whether work is pending and none was handled for STALLED_SECONDS."""

    def advanced(self) -> None:
        """A message was handled."""
        self._last = self._clock()

    def observe(self, pending: Pending, held: int) -> None:
        """held: Deliveries that are in progress in this process."""
        if pending.undelivered == 0 and held == 0:
            self._last = self._clock()
        idle = self._clock() - self._last
        self._show(pending, idle)
        stalled = idle > STALLED_SECONDS
        if stalled != self.stalled:
            about = {"undelivered": pending.undelivered, "held": held, "seconds": round(idle)}
            if stalled:
                log.error("consumer makes no progress", extra=about)
            else:
                log.info("consumer makes progress again", extra=about)
        self.stalled = stalled

    async def watch(self, source: Source, held: Callable[[], int]) -> None:
        """Observes until cancelled. A broker that can't be asked leaves the last state."""
        self._last = self._clock()
        while True:
            try:
                self.observe(await source.pending(), held())
                await self._count_dead_letters()
            except Unavailable as error:
                log.debug("consumer not watched", extra={"error": repr(error)})
            await asyncio.sleep(WATCH_SECONDS)

    def _show(self, pending: Pending, idle: float) -> None:
        _UNDELIVERED.labels(self._queue_group).set(pending.undelivered)
        _UNACKNOWLEDGED.labels(self._queue_group).set(pending.unacknowledged)
        _IDLE.labels(self._queue_group).set(idle)

    async def _count_dead_letters(self) -> None:
        if self._looks % DEAD_LETTERS_EVERY == 0:
            letters = await self._stream.count(f"dead.{self._queue_group}.>", dead_letters=True)
            _DEAD_LETTERS.labels(self._queue_group).set(letters)
        self._looks += 1
