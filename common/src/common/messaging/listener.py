"""Base class of listeners. A service's subclasses are in its `listeners.py`.

A listener only returns or raises; `outcomes` ends the delivery.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar, cast

from common.base import tracing
from common.base.errors import Unavailable
from common.messaging.events import Event, Unreadable, event_types, read
from common.messaging.outcomes import Outcomes
from common.messaging.stream import Delivery, kind_of

E = TypeVar("E", bound=Event)


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
        cls._by_kind = {str(kind.subject): kind for kind in cls.events}

    _by_kind: ClassVar[dict[str, type[Event]]] = {}

    @abstractmethod
    async def on_message(self, event: E) -> None:
        """The effect. At least once, so it has to bear repetition."""

    async def receive(self, delivery: Delivery, outcomes: Outcomes) -> bool:
        """Parses, runs `on_message`, and ends the delivery; True if the message was handled."""
        tracing.enter(tracing.Trace.of_headers(delivery.headers))
        kind = self._by_kind[kind_of(self.queue_group, delivery.subject)]
        try:
            event = cast(E, read(kind, delivery.data, delivery.headers))
        except Unreadable as error:
            await outcomes.unreadable(delivery, str(error))
            return False
        try:
            await self.on_message(event)
        except NotYet as early:
            await outcomes.too_early(delivery, early)
        except (Unavailable, TimeoutError) as error:
            await outcomes.outage(delivery, error)
        except Exception as error:
            await outcomes.failed(delivery, error)
        else:
            await outcomes.handled(delivery)
            return True
        return False
