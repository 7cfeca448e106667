"""Everything that a stream holds, in order, from its beginning and then as it comes.

For a process whose state is only what the events say: it begins with nothing, replays all of them, and is
told each later one. What it remembers is then right by construction; there is nothing to acknowledge, to
repair or to migrate. The price is that a start takes as long as the history is, and memory what it says.

A durable consumer (`consumer`) is for the other kind: effects that must happen once for a whole service.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from common.base.errors import Unavailable
from common.messaging.feed import Feed
from common.messaging.stream import Stored, Stream

log = logging.getLogger(__name__)

FIRST_PAUSE = 0.02
LONGEST_PAUSE = 1.0
REACHED_SECONDS = 2.0

Apply = Callable[[Stored], None]
"""Takes one event into the state. It must not wait, nor raise for what somebody else may have published.

Only here does the state change, not even for what the process itself has just published: so the order of the
stream alone makes the state, before a restart and after it, in each of several processes.
"""
Settle = Callable[[], Awaitable[None]]
"""Publishes what follows from the state and is not in it yet. Raises `errors.Unavailable`: tried again."""


async def nothing() -> None:
    """Nothing follows."""


class Tail:
    """Each message once and in order to `apply`; `settle` after each reading that reached the end.

    Because `settle` looks at the state and not at a message, a crash anywhere loses nothing: the next process
    comes to the same state and finds the same left to do. What it publishes needs a `Nats-Msg-Id` that
    names the effect, since two processes may both find it.
    """

    def __init__(
        self, stream: Stream, feed: Feed, subjects: Sequence[str], apply: Apply, settle: Settle = nothing
    ) -> None:
        self._stream = stream
        self._feed = feed
        self._subjects = subjects
        self._apply = apply
        self._settle = settle
        self._hint = asyncio.Event()
        self._advanced = asyncio.Condition()
        self._follows = False
        self.position = 0
        """The sequence of the latest event in the state: of one position there is one state."""
        self.ready = False
        """The whole history is in the state, and what comes is taken in."""

    async def run(self) -> None:
        """Until cancelled, on a stream that is connected.

        A broker that goes away is waited for; the state stays what it was meanwhile.
        """
        if not self._follows:
            await self._feed.follow(self._subjects, lambda _subject, _data: self._hint.set(), self._hint.set)
            self._follows = True
        try:
            await self._keep_up()
        finally:
            self.ready = False

    async def _keep_up(self) -> None:
        began, pause = time.monotonic(), FIRST_PAUSE
        while True:
            self._hint.clear()
            try:
                count = await self._read()
                await self._settle()
            except Unavailable as error:
                log.warning("the event stream can't be read", extra={"error": repr(error)})
                await self._hinted(LONGEST_PAUSE)
                continue
            if not self.ready:
                self.ready = True
                log.info("replayed", extra={"events": count, "seconds": time.monotonic() - began})
            # A hint may come before its message can be read: look again soon, then ever less often.
            pause = FIRST_PAUSE if count else min(2 * pause, LONGEST_PAUSE)
            if await self._hinted(pause):
                pause = FIRST_PAUSE

    async def reached(self, sequence: int, seconds: float = REACHED_SECONDS) -> None:
        """Returns once what is stored there, on one of the subjects, is in the state.

        For whoever wants to see what he has just written. Raises `errors.Unavailable` after `seconds`: it is
        stored, and will be in the state later.
        """
        if self.position < sequence:
            self._hint.set()
        try:
            async with asyncio.timeout(seconds), self._advanced:
                await self._advanced.wait_for(lambda: self.position >= sequence)
        except TimeoutError:
            raise Unavailable("What was stored can't be seen yet") from None

    async def drained(self) -> None:
        """What a stop cut off is found again in the state by whoever comes next."""

    async def _read(self) -> int:
        """How many came since the last time."""
        count = 0
        async for batch in self._stream.history(self._subjects, self.position):
            for stored in batch:
                self._apply(stored)
                self.position = stored.sequence
            count += len(batch)
            async with self._advanced:
                self._advanced.notify_all()
            # Between a thousand and the next, whoever asks this process is answered.
            await asyncio.sleep(0)
        return count

    async def _hinted(self, seconds: float) -> bool:
        try:
            # Not wait_for: Python 3.11's loses a cancellation that comes with the hint.
            async with asyncio.timeout(seconds):
                await self._hint.wait()
        except TimeoutError:
            return False
        return True
