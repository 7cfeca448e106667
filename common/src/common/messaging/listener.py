"""Base class of listeners. A service's subclasses are in its `listeners.py`.

A listener only returns or raises; how a delivery ends is decided here and nowhere else:

| on_message                         | outcome                                                    |
| ---------------------------------- | ---------------------------------------------------------- |
| returns                            | ack                                                        |
| raises NotYet, or a VersionGap     | nak with a growing delay; a dead letter after GAP_ATTEMPTS |
| raises Unavailable or TimeoutError | nak with a growing delay, for as long as it lasts          |
| raises anything else               | nak with a growing delay; a dead letter after ATTEMPTS     |
| is never called: does not parse    | a dead letter at the first attempt                         |
| is cancelled                       | nothing: the broker delivers again                         |
"""

import logging
from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar, cast

from prometheus_client import Counter
from pydantic import ValidationError

from common.base import tracing
from common.base.crash_points import reached
from common.base.errors import Unavailable
from common.messaging.dead_letters import DeadLetters
from common.messaging.events import Event, event_types
from common.messaging.stream import Delivery, first_subject

log = logging.getLogger(__name__)

E = TypeVar("E", bound=Event)

_DELIVERIES = Counter("event_deliveries", "Deliveries of an event, by how they ended", ["event", "outcome"])

ATTEMPTS = 8
GAP_ATTEMPTS = 720
"""An hour at the longest delay: the missing event may come from a service that is down."""
FIRST_DELAY = 0.05
LONGEST_DELAY = 5.0


class NotYet(Exception):
    """Something else has to arrive first, such as an earlier version: `replica.VersionGap`."""


class Listener(ABC, Generic[E]):
    """Reacts to the events in its brackets: one, `Listener[OrderCreated]`, or several, `Listener[A | B]`.

    events: Kinds of event that it reacts to, taken from the brackets.
    queue_group: Name of the service's durable consumer.
    """

    events: ClassVar[tuple[type[Event], ...]] = ()
    queue_group: ClassVar[str]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.events = event_types(cls) or cls.events
        cls._by_subject = {str(kind.subject): kind for kind in cls.events}

    _by_subject: ClassVar[dict[str, type[Event]]] = {}

    @abstractmethod
    async def on_message(self, event: E) -> None:
        """The effect. At least once, so it has to bear repetition."""

    async def receive(self, delivery: Delivery, dead_letters: DeadLetters) -> None:
        """Parses, runs `on_message`, and ends the delivery."""
        tracing.enter(tracing.Trace.of_headers(delivery.headers))
        try:
            event = cast(E, self._by_subject[self._subject(delivery)].model_validate_json(delivery.data))
        except ValidationError as error:
            await self._bury(delivery, dead_letters, f"does not parse: {_in_words(error)}")
            return
        try:
            await self.on_message(event)
        except NotYet as gap:
            await self._again(delivery, dead_letters, gap, GAP_ATTEMPTS)
        except (Unavailable, TimeoutError) as outage:
            log.warning("waiting for a dependency", extra=_about(delivery, outage))
            await self._nak(delivery)
        except Exception as error:
            log.warning("listener failed", exc_info=True, extra=_about(delivery, error))
            await self._again(delivery, dead_letters, error, ATTEMPTS)
        else:
            reached("before-ack")
            await delivery.ack()
            self._count(delivery, "ack")

    async def _again(
        self, delivery: Delivery, dead_letters: DeadLetters, error: Exception, attempts: int
    ) -> None:
        if delivery.attempt < attempts:
            await self._nak(delivery)
        else:
            await self._bury(delivery, dead_letters, repr(error))

    async def _bury(self, delivery: Delivery, dead_letters: DeadLetters, reason: str) -> None:
        try:
            await dead_letters.add(delivery, self.queue_group, reason)
        except Unavailable as outage:
            log.warning("dead letter not written yet", extra=_about(delivery, outage))
            await self._nak(delivery)
            return
        log.error("dead letter", extra={**_about(delivery, None), "reason": reason})
        await delivery.term()
        self._count(delivery, "dead letter")

    async def _nak(self, delivery: Delivery) -> None:
        await delivery.nak(delay_of(delivery.attempt))
        self._count(delivery, "nak")

    def _count(self, delivery: Delivery, outcome: str) -> None:
        _DELIVERIES.labels(self._subject(delivery), outcome).inc()

    def _subject(self, delivery: Delivery) -> str:
        """The event's subject, such as "ticket.updated", without the record's id."""
        return first_subject(self.queue_group, delivery.subject).rpartition(".")[0]


def delay_of(attempt: int) -> float:
    """Seconds before the next attempt: 0.05, 0.1, 0.2 … at most 5."""
    return float(min(FIRST_DELAY * 2 ** min(attempt - 1, 16), LONGEST_DELAY))


def _about(delivery: Delivery, error: BaseException | None) -> dict[str, object]:
    about: dict[str, object] = {
        "subject": delivery.subject,
        "sequence": delivery.sequence,
        "attempt": delivery.attempt,
    }
    if error is not None:
        about["error"] = repr(error)
    return about


def _in_words(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, e['loc']))}: {e['msg']}"
        for e in error.errors(include_input=False, include_url=False)
    )
