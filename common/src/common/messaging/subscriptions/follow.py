"""Follow subscription: recent messages on one subject, and then each as it is published.

For a state that each process derives from the last days alone, such as which sessions have ended. As with
`catch_up` it is in memory, and needs no acknowledgement; unlike there a start reads no more than it needs,
however old the stream is, and reading on is one waiting request in place of a look every second.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from datetime import timedelta

from common.base import times
from common.base.errors import Unavailable
from common.base.logs import Repetitions
from common.messaging.stream import Stored, Stream

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.25


class FollowSubscription:
    """Passes each message of the last `life` once and in order to `apply`.

    apply: Must not block or raise.
    """

    def __init__(
        self, stream: Stream, subject: str, life: timedelta, apply: Callable[[Stored], None]
    ) -> None:
        self._stream = stream
        self._subject = subject
        self._life = life
        self._apply = apply
        self._position = 0
        self._refusals = Repetitions()
        self.ready = False
        """Whether all was read once. It stays so without the broker: the process goes on with what it has."""

    async def run(self) -> None:
        """Runs until cancelled, on a connected stream. Waits for a broker that goes away."""
        while True:
            try:
                await self._follow()
            except Unavailable as error:
                if self._refusals.is_due():
                    about = {"subject": self._subject, "error": repr(error)}
                    log.warning("the event stream can't be followed", extra=about)
            await asyncio.sleep(RETRY_SECONDS)

    async def drained(self) -> None:
        """Returns at once: nothing is left to do."""

    async def _follow(self) -> None:
        since = times.now() - self._life
        async with aclosing(self._stream.follow(self._subject, since, self._position)) as batches:
            async for batch in batches:
                for stored in batch:
                    self._apply(stored)
                    self._position = stored.sequence
                if not batch:
                    self.ready = True
                    self._refusals.over()
                # Requests are answered between one batch of a thousand and the next.
                await asyncio.sleep(0)
