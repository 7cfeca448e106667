"""Base class of publishers. A service's subclasses, one an event, are in its `publishers.py`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from common.base import times, tracing
from common.messaging.events import SOURCE, Event, event_types, source_of, wire_subject
from common.messaging.stream import MESSAGE_ID, Stream

E = TypeVar("E", bound=Event)

CONTENT_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Envelope:
    """An event as it is stored in an outbox and sent: nothing is added on the way."""

    id: str
    subject: str
    data: str
    headers: dict[str, str]


class Publisher(Generic[E]):
    """Publishes one kind of event as CloudEvents 1.0 in binary mode. A subclass names both in its first line:

        class TicketCreatedPublisher(Publisher[TicketCreated], source="tickets"): ...

    Raises TypeError where the event is another service's to emit.

    The event's id is its `Nats-Msg-Id`, so a repeated publication within the stream's duplicate window is
    stored once; after it, consumers recognise the version.
    """

    events: ClassVar[tuple[type[Event], ...]]
    source: ClassVar[str]

    def __init_subclass__(cls, source: str) -> None:
        super().__init_subclass__()
        cls.events, cls.source = event_types(cls), source
        for event in cls.events:
            if event.owner not in (None, source):
                raise TypeError(f"{event.__name__} is for {event.owner} to emit, not for {source}")

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def envelope(self, event: E, version: int | None) -> Envelope:
        """Seals `event`; `version` is None for an event that its aggregate has only once."""
        suffix = "" if version is None else f":{version}"
        event_id = f"{event.subject}:{event.aggregate_id}{suffix}"
        headers = {
            "ce-specversion": "1.0",
            "ce-id": event_id,
            "ce-type": event.subject.value,
            SOURCE: source_of(self.source),
            "ce-subject": event.aggregate_id,
            "ce-time": times.iso(times.now()),
            "content-type": CONTENT_TYPE,
            MESSAGE_ID: event_id,
            **tracing.current().headers(),
        }
        return Envelope(event_id, wire_subject(event), event.to_json().decode(), headers)

    async def publish(self, event: E) -> int:
        """Publishes at once, without an outbox: the caller retries until it succeeds.

        Returns the event's sequence in the stream. Raises `errors.Unavailable` when the broker didn't
        confirm.
        """
        return await send(self._stream, self.envelope(event, None))


class Publishers:
    """The publishers of a service, found by event, over one stream."""

    def __init__(self, stream: Stream, kinds: Sequence[type[Publisher[Any]]]) -> None:
        self._stream = stream
        self._by_subject = {event.subject: kind(stream) for kind in kinds for event in kind.events}

    def of(self, event: Event) -> Publisher[Any]:
        """Raises KeyError for an event that the service's `publishers.py` doesn't name."""
        return self._by_subject[event.subject]

    async def send(self, envelope: Envelope) -> int:
        """Publishes a sealed event, also of a kind that this version of the service has no publisher for."""
        return await send(self._stream, envelope)


def change_of(headers: Mapping[str, str]) -> tuple[str, int] | None:
    """The record and the version that an event's id names; None for an event without a version."""
    _, _, named = headers.get("ce-id", "").partition(":")
    record_id, _, version = named.partition(":")
    return (record_id, int(version)) if version.isdecimal() else None


async def send(stream: Stream, envelope: Envelope) -> int:
    """Returns the event's sequence in the stream once it is stored. Raises `errors.Unavailable`."""
    return await stream.publish(envelope.subject, envelope.data.encode(), envelope.headers)
