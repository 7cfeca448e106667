"""The event stream in memory: storage, duplicate window, durable consumers, acks and redelivery.

Held to the real one's behaviour by `common/tests/messaging/test_stream.py`, which runs over both.
"""

import asyncio
import heapq
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime

from common.base.errors import Unavailable
from common.messaging.stream import (
    MESSAGE_ID,
    ConsumerSpec,
    Delivery,
    Pending,
    Stored,
    again_for,
)

HISTORY_BATCH = 1_000


@dataclass(slots=True, eq=False)
class FakeDelivery:
    """`outcome` is how it ended: None, "ack", "nak" or "term"."""

    message: Stored
    attempt: int
    source: "FakeSource"
    outcome: str | None = None
    delay: float | None = None

    @property
    def subject(self) -> str:
        return self.message.subject

    @property
    def data(self) -> bytes:
        return self.message.data

    @property
    def headers(self) -> Mapping[str, str]:
        return self.message.headers

    @property
    def sequence(self) -> int:
        return self.message.sequence

    @property
    def parked_for(self) -> None:
        return None

    async def ack(self) -> None:
        self._end("ack")

    async def nak(self, delay: float) -> None:
        self.delay = delay
        if self._end("nak"):
            self.source.schedule(self.message, self.attempt + 1, delay)

    async def term(self) -> None:
        self._end("term")

    async def in_progress(self) -> None:
        self.source.extend(self)

    def _end(self, outcome: str) -> bool:
        first = self.outcome is None
        if first:
            self.outcome = outcome
            self.source.ended(self)
        return first


@dataclass(order=True, slots=True)
class _Due:
    at: float
    sequence: int
    message: Stored = field(compare=False)
    attempt: int = field(compare=False)


class FakeSource:
    """One durable consumer. `deliveries` holds all that it ever handed out."""

    def __init__(self, spec: ConsumerSpec) -> None:
        self.spec = spec
        self.deliveries: list[FakeDelivery] = []
        self._due: list[_Due] = []
        self._open: dict[int, tuple[float, FakeDelivery]] = {}
        self._changed = asyncio.Event()

    def schedule(self, message: Stored, attempt: int, delay: float) -> None:
        heapq.heappush(self._due, _Due(time.monotonic() + delay, message.sequence, message, attempt))
        self._changed.set()

    def matches(self, subject: str) -> bool:
        return any(matches(pattern, subject) for pattern in self.spec.filter_subjects)

    def extend(self, delivery: FakeDelivery) -> None:
        if delivery.outcome is None:
            self._open[id(delivery)] = (time.monotonic() + self.spec.ack_wait, delivery)

    def ended(self, delivery: FakeDelivery) -> None:
        self._open.pop(id(delivery), None)
        self._changed.set()

    @property
    def is_idle(self) -> bool:
        """Nothing is due now or later, and all that was handed out was answered."""
        return not self._due and not self._open

    async def pull(self, limit: int) -> Sequence[Delivery]:
        while True:
            self._expire()
            taken = self._take(limit)
            if taken:
                return taken
            self._changed.clear()
            try:
                async with asyncio.timeout(self._next_moment()):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def pending(self) -> Pending:
        self._expire()
        undelivered = sum(due.attempt == 1 for due in self._due)
        return Pending(undelivered, len(self._due) - undelivered + len(self._open))

    async def close(self) -> None:
        return

    def _take(self, limit: int) -> list[FakeDelivery]:
        taken: list[FakeDelivery] = []
        now = time.monotonic()
        while self._due and self._due[0].at <= now and len(taken) < limit:
            due = heapq.heappop(self._due)
            delivery = FakeDelivery(due.message, due.attempt, self)
            self._open[id(delivery)] = (now + self.spec.ack_wait, delivery)
            self.deliveries.append(delivery)
            taken.append(delivery)
        return taken

    def _expire(self) -> None:
        now = time.monotonic()
        for key, (deadline, delivery) in list(self._open.items()):
            if deadline <= now:
                del self._open[key]
                self.schedule(delivery.message, delivery.attempt + 1, 0)

    def _next_moment(self) -> float | None:
        moments = [due.at for due in self._due[:1]] + [deadline for deadline, _ in self._open.values()]
        return max(0.0, min(moments) - time.monotonic()) if moments else None


class FakeStream:
    """`messages` is all that is stored, dead letters included; `up = False` makes it refuse.

    followers: Called with each message as it is stored, by `fake_hints.FakeHints`.
    """

    def __init__(self) -> None:
        self.up = True
        self.messages: list[Stored] = []
        self.sources: dict[str, FakeSource] = {}
        self.followers: list[Callable[[Stored], None]] = []
        self._ids: dict[str, int] = {}
        self._last = 0

    async def connect(self) -> None:
        while not self.up:
            await asyncio.sleep(0.005)

    async def publish(self, subject: str, data: bytes, headers: Mapping[str, str]) -> int:
        self._require_up()
        message_id = headers.get(MESSAGE_ID)
        if message_id in self._ids:
            return self._ids[message_id]
        self._last += 1
        if message_id is not None:
            self._ids[message_id] = self._last
        message = Stored(self._last, subject, data, dict(headers))
        self.messages.append(message)
        for source in self.sources.values():
            if source.matches(subject):
                source.schedule(message, 1, 0)
        for follower in self.followers:
            follower(message)
        return message.sequence

    async def source(self, spec: ConsumerSpec) -> FakeSource:
        source = self.sources.get(spec.durable)
        if source is None:
            source = self.sources[spec.durable] = FakeSource(spec)
            for message in self.messages:
                if source.matches(message.subject):
                    source.schedule(message, 1, 0)
        known = source.spec.filter_subjects
        added = tuple(subject for subject in spec.filter_subjects if subject not in known)
        source.spec = replace(spec, filter_subjects=known + added)
        await self._hand_over(
            spec.durable, [subject for subject in added if not subject.startswith("retry.")]
        )
        return source

    async def _hand_over(self, durable: str, subjects: Sequence[str]) -> None:
        """What the consumer skipped, since these subjects were not in its filter."""
        skipped = [m for m in self.messages if any(matches(subject, m.subject) for subject in subjects)]
        for message in skipped:
            await self.publish(*again_for(durable, message))

    async def history(
        self, subjects: Sequence[str], after: int = 0, *, dead_letters: bool = False
    ) -> AsyncGenerator[Sequence[Stored], None]:
        self._require_up()
        found = [
            message
            for message in self.messages
            if message.sequence > after
            and _is_dead_letter(message) == dead_letters
            and any(matches(pattern, message.subject) for pattern in subjects)
        ]
        for start in range(0, len(found), HISTORY_BATCH):
            yield found[start : start + HISTORY_BATCH]

    async def follow(
        self, subject: str, since: datetime, after: int = 0
    ) -> AsyncGenerator[Sequence[Stored], None]:
        arrived = asyncio.Event()

        def notice(_message: Stored) -> None:
            arrived.set()

        def is_next(message: Stored) -> bool:
            return message.sequence > after and (position > 0 or message.at >= since)

        self._require_up()
        self.followers.append(notice)
        position = after
        try:
            while True:
                arrived.clear()
                async with aclosing(self.history([subject], position)) as batches:
                    async for batch in batches:
                        if found := list(filter(is_next, batch)):
                            yield found
                        position = batch[-1].sequence
                yield ()
                await arrived.wait()
        finally:
            self.followers.remove(notice)

    async def last(self, subjects: Sequence[str]) -> Stored | None:
        found = [message async for batch in self.history(subjects) for message in batch]
        return found[-1] if found else None

    async def read(self, sequence: int) -> Stored | None:
        self._require_up()
        found = (message for message in self.messages if message.sequence == sequence)
        return next((message for message in found if not _is_dead_letter(message)), None)

    async def count(self, subjects: str, *, dead_letters: bool = False) -> int:
        self._require_up()
        kept = (message for message in self.messages if _is_dead_letter(message) == dead_letters)
        return sum(matches(subjects, message.subject) for message in kept)

    async def remove(self, sequence: int, *, dead_letters: bool = False) -> bool:
        self._require_up()
        for message in self.messages:
            if message.sequence == sequence and _is_dead_letter(message) == dead_letters:
                self.messages.remove(message)
                return True
        return False

    def _require_up(self) -> None:
        if not self.up:
            raise Unavailable("The event stream is down")

    def is_up(self) -> bool:
        return self.up

    async def close(self) -> None:
        return

    def of(self, subject: str) -> list[Stored]:
        """Messages under a subject such as `ticket.updated`, of every record."""
        return [message for message in self.messages if message.subject.startswith(f"{subject}.")]

    async def settled(self, timeout: float = 5.0) -> None:
        """Returns when no consumer has anything due or unanswered."""
        async with asyncio.timeout(timeout):
            while not all(source.is_idle for source in self.sources.values()):
                await asyncio.sleep(0.002)


def _is_dead_letter(message: Stored) -> bool:
    return message.subject.startswith(("dead.", "dropped."))


def matches(pattern: str, subject: str) -> bool:
    wanted, got = pattern.split("."), subject.split(".")
    if wanted[-1] == ">":
        return len(got) >= len(wanted) and all(w in ("*", g) for w, g in zip(wanted[:-1], got, strict=False))
    return len(wanted) == len(got) and all(w in ("*", g) for w, g in zip(wanted, got, strict=True))
