"""How a delivery ends. A listener only returns or raises; what follows is decided here and nowhere else:

| the listener                       | outcome                                                            |
| ---------------------------------- | ------------------------------------------------------------------ |
| returns                            | ack                                                                |
| raises NotYet, or a VersionGap     | nak; parked after PARK_AFTER attempts, a dead letter after an hour |
| raises Unavailable or TimeoutError | nak with a growing delay, for as long as it lasts                  |
| raises anything else               | nak with a growing delay; a dead letter after ATTEMPTS errors      |
| is never called: does not parse    | a dead letter at the first attempt                                 |
| is never called: another's event   | a dead letter at the first attempt                                 |
| is cancelled                       | nothing: the broker delivers again                                 |
| is not there: an unknown kind      | as NotYet: a newer version of the service may have one             |

Attempts are counted by reason, in this process: an outage takes none of those that an error has. Without a
parking, what would be parked is nacked, at most WAITING_ATTEMPTS times.
"""

import logging
from collections import OrderedDict
from datetime import timedelta

from prometheus_client import Counter

from common.base.crash_points import reached
from common.base.errors import DatabaseError, Unavailable
from common.base.logs import Repetitions
from common.messaging.dead_letters import DeadLetters
from common.messaging.parking import ParkedMessage, Parking
from common.messaging.stream import Delivery, kind_of

log = logging.getLogger(__name__)

_DELIVERIES = Counter("event_deliveries", "Deliveries of an event, by how they ended", ["event", "outcome"])

ATTEMPTS = 8
PARK_AFTER = 5
"""Attempts, most of a second: most events that are early are so by milliseconds only."""
GIVEN_UP = timedelta(hours=1)
"""How long a message waits for another: what is missing may come from a service that is down."""
WAITING_ATTEMPTS = 720
"""An hour at the longest delay."""
FIRST_DELAY = 0.05
LONGEST_DELAY = 5.0
LONGEST_PARKED_DELAY = 60.0
REMEMBERED = 10_000


class Outcomes:
    """Ends the deliveries of one queue group. Each method ends one."""

    def __init__(self, queue_group: str, dead_letters: DeadLetters, parking: Parking | None = None) -> None:
        self._queue_group = queue_group
        self._dead_letters = dead_letters
        self._parking = parking
        self._errors = _Counts()
        self._waits = _Counts()
        self._outages = Repetitions()

    async def handled(self, delivery: Delivery) -> None:
        reached("before-ack")
        await delivery.ack()
        self._outages.over()
        self._ended(delivery, "ack")

    async def too_early(self, delivery: Delivery, reason: Exception) -> None:
        """Something else has to arrive first."""
        await self._wait(delivery, repr(reason))

    async def unknown(self, delivery: Delivery) -> None:
        """This version of the service has no listener for it: the message is a newer version's to handle."""
        await self._wait(delivery, "no listener for this kind of event")

    async def outage(self, delivery: Delivery, error: Exception) -> None:
        # It concerns each message at each attempt: not a line for each.
        if self._outages.is_due():
            log.warning("waiting for a dependency", extra=_about(delivery, repr(error)))
        await self._nak(delivery)

    async def failed(self, delivery: Delivery, error: Exception) -> None:
        log.warning("listener failed", exc_info=error, extra=_about(delivery, repr(error)))
        if self._errors.another(delivery.sequence) < ATTEMPTS:
            await self._nak(delivery)
        else:
            await self._bury(delivery, repr(error))

    async def unreadable(self, delivery: Delivery, reason: str) -> None:
        await self._bury(delivery, reason)

    async def _wait(self, delivery: Delivery, reason: str) -> None:
        if delivery.parked_for is not None:
            if delivery.parked_for < GIVEN_UP:
                await self._nak(delivery, _parked_delay(delivery.parked_for))
            else:
                await self._bury(delivery, reason)
        elif self._parking is not None and delivery.attempt >= PARK_AFTER:
            await self._park(delivery, self._parking)
        elif self._waits.another(delivery.sequence) < WAITING_ATTEMPTS:
            await self._nak(delivery)
        else:
            await self._bury(delivery, reason)

    async def _park(self, delivery: Delivery, parking: Parking) -> None:
        message = ParkedMessage(
            delivery.sequence,
            delivery.subject,
            self._kind(delivery),
            delivery.subject.rpartition(".")[2],
            delivery.attempt,
        )
        try:
            await parking.park(message, delay_of(delivery.attempt))
        except (Unavailable, DatabaseError) as error:
            log.warning("message not parked yet", extra=_about(delivery, repr(error)))
            await self._nak(delivery)
            return
        await delivery.ack()
        self._ended(delivery, "parked")

    async def _bury(self, delivery: Delivery, reason: str) -> None:
        try:
            await self._dead_letters.add(delivery, self._queue_group, reason)
        except Unavailable as outage:
            log.warning("dead letter not written yet", extra=_about(delivery, repr(outage)))
            await self._nak(delivery)
            return
        log.error("dead letter", extra={**_about(delivery), "reason": reason})
        await delivery.term()
        self._ended(delivery, "dead letter")

    async def _nak(self, delivery: Delivery, delay: float | None = None) -> None:
        await delivery.nak(delay_of(delivery.attempt) if delay is None else delay)
        self._count(delivery, "nak")

    def _ended(self, delivery: Delivery, outcome: str) -> None:
        self._errors.forget(delivery.sequence)
        self._waits.forget(delivery.sequence)
        self._count(delivery, outcome)

    def _count(self, delivery: Delivery, outcome: str) -> None:
        _DELIVERIES.labels(self._kind(delivery), outcome).inc()

    def _kind(self, delivery: Delivery) -> str:
        return kind_of(self._queue_group, delivery.subject)


class _Counts:
    """Counts by sequence, of the last REMEMBERED messages: one that another process ended is forgotten."""

    def __init__(self) -> None:
        self._counts: OrderedDict[int, int] = OrderedDict()

    def another(self, sequence: int) -> int:
        count = self._counts[sequence] = self._counts.pop(sequence, 0) + 1
        if len(self._counts) > REMEMBERED:
            self._counts.popitem(last=False)
        return count

    def forget(self, sequence: int) -> None:
        self._counts.pop(sequence, None)


def delay_of(attempt: int) -> float:
    """Seconds before the next attempt: 0.05, 0.1, 0.2 … at most 5."""
    return float(min(FIRST_DELAY * 2 ** min(attempt - 1, 16), LONGEST_DELAY))


def _parked_delay(waited: timedelta) -> float:
    """As long as the message has waited already, so that one which waits for long costs little."""
    return float(min(max(waited.total_seconds(), FIRST_DELAY), LONGEST_PARKED_DELAY))


def _about(delivery: Delivery, error: str | None = None) -> dict[str, object]:
    about: dict[str, object] = {
        "subject": delivery.subject,
        "sequence": delivery.sequence,
        "attempt": delivery.attempt,
    }
    return about if error is None else {**about, "error": error}
