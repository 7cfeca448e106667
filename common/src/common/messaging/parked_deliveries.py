"""Brings parked messages back: read from the stream again, as deliveries for the consumer's lanes.

Two things bring one back: its time is due, or this process handled another message of its record, perhaps
the version that it waited for. The first alone would be enough; the second makes it prompt.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from prometheus_client import Gauge

from common.base import times
from common.base.errors import DatabaseError, Unavailable
from common.base.logs import Repetitions
from common.messaging.outcomes import GIVEN_UP
from common.messaging.parking import CLAIM, ParkedMessage, Parking
from common.messaging.stream import Delivery, Stored, Stream

log = logging.getLogger(__name__)

_PARKED = Gauge("event_parked", "Messages that wait for another one", ["consumer"])
_OLDEST = Gauge("event_parked_oldest_seconds", "How long the oldest parked message has waited", ["consumer"])

SWEEP_SECONDS = 1.0
GATHER_SECONDS = 0.02
MOST_AT_ONCE = 32
"""Parked messages in progress: a part of the consumer's capacity, so that new events keep their pace."""


@dataclass(slots=True, eq=False)
class ParkedDelivery:
    """One more attempt at a parked message."""

    message: ParkedMessage
    stored: Stored
    parking: Parking

    @property
    def subject(self) -> str:
        return self.message.subject

    @property
    def data(self) -> bytes:
        return self.stored.data

    @property
    def headers(self) -> Mapping[str, str]:
        return self.stored.headers

    @property
    def attempt(self) -> int:
        return self.message.attempt + 1

    @property
    def sequence(self) -> int:
        return self.message.sequence

    @property
    def parked_for(self) -> timedelta:
        return self.message.waited

    async def ack(self) -> None:
        await self._release()

    async def term(self) -> None:
        await self._release()

    async def nak(self, delay: float) -> None:
        await self._put_off(delay)

    async def in_progress(self) -> None:
        await self._put_off(CLAIM.total_seconds())

    async def _release(self) -> None:
        # Not released: it comes back, and is recognised as handled.
        with suppress(Unavailable, DatabaseError):
            await self.parking.release(self.sequence)

    async def _put_off(self, delay: float) -> None:
        with suppress(Unavailable, DatabaseError):
            await self.parking.put_off(self.sequence, delay)


class ParkedDeliveries:
    def __init__(
        self,
        queue_group: str,
        parking: Parking,
        stream: Stream,
        kinds: Sequence[str],
        dispatch: Callable[[Delivery], None],
        room: Callable[[], int],
    ) -> None:
        """
        kinds: Those that the service's listeners handle.
        dispatch: Takes a delivery into the consumer's lanes.
        room: How many more the consumer can take now.
        """
        self._parking = parking
        self._stream = stream
        self._kinds = kinds
        self._dispatch = dispatch
        self._room = room
        self._gauges = _PARKED.labels(queue_group), _OLDEST.labels(queue_group)
        self._any = False
        self._count_at = 0.0
        self._in_progress: set[int] = set()
        self._applied: set[str] = set()
        self._missed: set[str] = set()
        """Records with a message that was to come back while an attempt at it was in progress."""
        self._hint = asyncio.Event()

    def applied(self, record: str) -> None:
        """A message of this record was handled: another one may have waited for it."""
        if self._any:
            self._applied.add(record)
            self._hint.set()

    def left(self, delivery: Delivery) -> None:
        """A delivery left the consumer's lanes, however it ended."""
        if delivery.parked_for is not None:
            self._in_progress.discard(delivery.sequence)
            record = delivery.subject.rpartition(".")[2]
            if record in self._missed:
                self._missed.discard(record)
                self.applied(record)

    async def run(self) -> None:
        """Until cancelled."""
        failures = Repetitions()
        while True:
            try:
                await self._round()
                failures.over()
            except (Unavailable, DatabaseError) as error:
                if failures.is_due():
                    log.warning("parked messages not looked at", extra={"error": repr(error)})
            await self._wait()

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(SWEEP_SECONDS):
                await self._hint.wait()
                # Further records come into the same query.
                await asyncio.sleep(GATHER_SECONDS)
        self._hint.clear()

    async def _round(self) -> None:
        if time.monotonic() >= self._count_at:
            await self._count()
        if self._any and self._most() > 0:
            records, self._applied = self._applied, set()
            if records:
                taken = await self._parking.of_records(list(records), self._kinds, self._most())
                await self._bring_back(taken)
        if self._any and self._most() > 0:
            await self._bring_back(await self._parking.due(self._kinds, GIVEN_UP, self._most()))

    async def _count(self) -> None:
        oldest = await self._parking.oldest()
        self._any = oldest is not None
        count, age = self._gauges
        count.set(await self._parking.count() if self._any else 0)
        age.set(0 if oldest is None else (times.now() - oldest).total_seconds())
        self._count_at = time.monotonic() + SWEEP_SECONDS

    def _most(self) -> int:
        return min(MOST_AT_ONCE - len(self._in_progress), self._room())

    async def _bring_back(self, messages: Sequence[ParkedMessage]) -> None:
        fresh = [message for message in messages if message.sequence not in self._in_progress]
        self._missed.update(message.record for message in messages if message.sequence in self._in_progress)
        found = await asyncio.gather(*(self._stream.read(message.sequence) for message in fresh))
        for message, stored in zip(fresh, found, strict=True):
            if stored is None:
                log.error("a parked message is no longer in the stream", extra={"subject": message.subject})
                await self._parking.release(message.sequence)
            else:
                self._in_progress.add(message.sequence)
                self._dispatch(ParkedDelivery(message, stored, self._parking))
