"""Catch-up subscription: every message of a stream in order, from its beginning and then as it is published.

For a process whose state is derived from events alone: it starts empty, replays all of them, and receives
each later one. Such a state needs no acknowledgement, repair or migration. The price: a start takes as long
as the history, and the state lives in memory.

A durable consumer (`consumer`) is for the other kind: effects that must happen once for a whole service.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from common.base.errors import Unavailable
from common.messaging.stream import Stored, Stream
from common.messaging.subscriptions.hints import Hints

log = logging.getLogger(__name__)

FIRST_PAUSE = 0.02
LONGEST_PAUSE = 1.0
REACHED_SECONDS = 2.0

Apply = Callable[[Stored], None]
"""Applies one event to the state. Must not block, nor raise for a message of another system.

The state changes nowhere else, not even for an event that this process has just published: the order of the
stream alone makes the state, before and after a restart, and in each of several processes.
"""
Settle = Callable[[], Awaitable[None]]
"""Publishes the events that follow from the state and are not in it yet. `errors.Unavailable` is retried."""


async def noop() -> None:
    """No event follows from the state."""


class CatchUpSubscription:
    """Passes each message once and in order to `apply`, and calls `settle` at each end of the stream.

    `settle` looks at the state, not at a message, so a crash loses nothing: the next process comes to the
    same state and finds the same work left. Its events need a `Nats-Msg-Id` that names the effect, since two
    processes may both publish it.
    """

    def __init__(
        self, stream: Stream, hints: Hints, subjects: Sequence[str], apply: Apply, settle: Settle = noop
    ) -> None:
        self._stream = stream
        self._hints = hints
        self._subjects = subjects
        self._apply = apply
        self._settle = settle
        self._hint = asyncio.Event()
        self._advanced = asyncio.Condition()
        self._subscribed = False
        self.position = 0
        """Sequence of the latest event in the state. One position means one state."""
        self.ready = False
        """Whether the whole history is in the state and new events are applied."""

    async def run(self) -> None:
        """Runs until cancelled, on a connected stream. Waits for a broker that goes away; the state stays."""
        if not self._subscribed:
            await self._hints.subscribe(self._subjects, self._on_message, self._hint.set)
            self._subscribed = True
        try:
            await self._keep_up()
        finally:
            self.ready = False

    def _on_message(self, _subject: str, _data: bytes) -> None:
        self._hint.set()

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
        """Waits until the message with this sequence, on one of the subjects, is in the state.

        Lets a writer read its own write. Raises `errors.Unavailable` after `seconds`: the message is
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
        """Returns at once: the next process finds unfinished work in the state."""

    async def _read(self) -> int:
        """Applies the messages since the last reading; returns their number."""
        count = 0
        async for batch in self._stream.history(self._subjects, self.position):
            for stored in batch:
                self._apply(stored)
                self.position = stored.sequence
            count += len(batch)
            async with self._advanced:
                self._advanced.notify_all()
            # Requests are answered between one batch of a thousand and the next.
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
