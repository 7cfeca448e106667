"""Base class of listeners. A service's subclasses are in its `listeners.py`.

A listener only returns or raises; `outcomes` ends the delivery.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar, cast

from pydantic import ValidationError

from common.base import tracing
from common.base.errors import Unavailable
from common.messaging.events import Event, event_types
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
            event = cast(E, kind.model_validate_json(delivery.data))
        except ValidationError as error:
            await outcomes.unreadable(delivery, _in_words(error))
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


def _in_words(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, e['loc']))}: {e['msg']}"
        for e in error.errors(include_input=False, include_url=False)
    )
