"""Base classes of events: a frozen pydantic model with its subject.

An event is published on `<subject>.<aggregate id>` (`"ticket.updated.65f0…"`) with the id
`<subject>:<aggregate id>:<version>`: the history of one record can be read alone, and a repeated publication
is recognised. Consumers ignore fields that they don't know: a field can be added, not removed or renamed.
"""

from enum import StrEnum
from typing import ClassVar, get_args

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class WireModel(BaseModel):
    """snake_case in Python, camelCase on the wire, frozen."""

    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, extra="ignore"
    )


class Event(WireModel):
    """Something that happened to one aggregate. Subclasses name their `subject`, one of an enumeration."""

    subject: ClassVar[StrEnum]

    @property
    def aggregate_id(self) -> str:
        raise NotImplementedError

    def to_json(self) -> bytes:
        return self.__pydantic_serializer__.to_json(self, by_alias=True)


class AggregateEvent(Event):
    """An event of an aggregate that is named by `id`."""

    id: str

    @property
    def aggregate_id(self) -> str:
        return self.id


class VersionedEvent(AggregateEvent):
    """Carries the version that its change gave the aggregate: 0 for its creation, then one more each."""

    version: int


def wire_subject(event: Event) -> str:
    return f"{event.subject}.{event.aggregate_id}"


def event_types(subclass: type) -> tuple[type[Event], ...]:
    """The events in the brackets of a subclass's base: `(A, B)` of `class X(Listener[A | B])`."""
    named = [argument for base in getattr(subclass, "__orig_bases__", ()) for argument in get_args(base)]
    types = [part for argument in named for part in (get_args(argument) or (argument,))]
    return tuple(kind for kind in types if isinstance(kind, type) and issubclass(kind, Event))
