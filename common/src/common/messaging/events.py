"""Base classes of events: a frozen pydantic model with its subject.

An event is published on `<subject>.<aggregate id>` (`"ticket.updated.65f0…"`) with the id
`<subject>:<aggregate id>:<version>`: the history of one record can be read alone, and a repeated publication
is recognised. Consumers ignore fields that they don't know: a field can be added, not removed or renamed.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

SOURCE = "ce-source"
"""Header with the service that emitted an event."""


class WireModel(BaseModel):
    """snake_case in Python, camelCase on the wire, frozen."""

    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, extra="ignore"
    )


class Event(WireModel):
    """Something that happened to one aggregate. Subclasses name their `subject`, one of an enumeration.

    owner: Service that alone may emit it; None where any service may.
    """

    subject: ClassVar[StrEnum]
    owner: ClassVar[str | None] = None

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


class Unreadable(ValueError):
    """A stored message that is no event of its kind. The text says why."""


E = TypeVar("E", bound=Event)


def read(kind: type[E], data: bytes, headers: Mapping[str, str]) -> E:
    """The event of a stored message. Every consumer and every replay reads its events by this.

    Raises Unreadable for a body that does not parse, and for an event that its owner did not emit.
    """
    try:
        event = kind.model_validate_json(data)
    except ValidationError as error:
        raise Unreadable(f"does not parse: {_in_words(error)}") from error
    source = headers.get(SOURCE, "")
    if kind.owner is not None and source != source_of(kind.owner):
        raise Unreadable(f"emitted by {source or 'no source'}, not by {source_of(kind.owner)}")
    return event


def source_of(service: str) -> str:
    """The source that the events of this service name, "/tickets"."""
    return f"/{service}"


def _in_words(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, e['loc']))}: {e['msg']}"
        for e in error.errors(include_input=False, include_url=False)
    )


def wire_subject(event: Event) -> str:
    return f"{event.subject}.{event.aggregate_id}"


def event_types(subclass: type) -> tuple[type[Event], ...]:
    """The events in the brackets of a subclass's base: `(A, B)` of `class X(Listener[A | B])`."""
    named = [argument for base in getattr(subclass, "__orig_bases__", ()) for argument in get_args(base)]
    types = [part for argument in named for part in (get_args(argument) or (argument,))]
    return tuple(kind for kind in types if isinstance(kind, type) and issubclass(kind, Event))
