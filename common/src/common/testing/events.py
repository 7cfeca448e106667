"""Other services' events, delivered to the one under test, and what came of them."""

import asyncio
from typing import Any

import orjson
from prometheus_client import REGISTRY

from common.messaging.events import SOURCE, Event, VersionedEvent, source_of, wire_subject
from common.messaging.publisher import Envelope, Publisher
from common.messaging.stream import MESSAGE_ID, Stream
from common.testing.fake_stream import FakeStream


class _Owner(Publisher[Event], source="test"):
    """Of every service's events: each names its own owner."""

    def envelope(self, event: Event, version: int | None) -> Envelope:
        envelope = super().envelope(event, version)
        envelope.headers[SOURCE] = source_of(event.owner or self.source)
        return envelope


def emitted_by(service: str) -> dict[str, str]:
    """Headers of this service's events, for a body that a test writes by hand."""
    return {SOURCE: source_of(service)}


async def publish(stream: Stream, *events: Event) -> None:
    """Publishes as the owners do, but without message ids: the same event again is one more message."""
    for event in events:
        version = event.version if isinstance(event, VersionedEvent) else None
        envelope = _Owner(stream).envelope(event, version)
        headers = {name: value for name, value in envelope.headers.items() if name != MESSAGE_ID}
        await stream.publish(envelope.subject, envelope.data.encode(), headers)


async def deliver(stream: FakeStream, *events: Event) -> None:
    """Publishes, and returns once every consumer has ended every delivery."""
    await publish(stream, *events)
    await stream.settled()


def outcomes(stream: FakeStream, event: Event) -> list[str | None]:
    """How the deliveries of `event` ended so far: "ack", "nak", "term", or None while one is under way."""
    deliveries = [delivery for source in stream.sources.values() for delivery in source.deliveries]
    return [
        delivery.outcome
        for delivery in deliveries
        if (delivery.subject, delivery.data) == (wire_subject(event), event.to_json())
    ]


async def refused(stream: FakeStream, event: Event) -> None:
    """Publishes, and returns once a consumer asked for it again."""
    before = len(outcomes(stream, event))
    await publish(stream, event)
    async with asyncio.timeout(5):
        while "nak" not in outcomes(stream, event)[before:]:
            await asyncio.sleep(0.002)


async def left_to_the_sweep(collection: str) -> None:
    """Returns once the stream has refused an event of this collection, and the sweep a further time."""

    def refusals() -> float:
        return REGISTRY.get_sample_value("outbox_refusals_total", {"collection": collection}) or 0

    before = refusals()
    async with asyncio.timeout(5):
        while refusals() < before + 2:
            await asyncio.sleep(0.002)


async def emitted(stream: FakeStream, subject: str, count: int) -> list[dict[str, Any]]:
    """The bodies of what was published under `subject`, once there are `count` of them, and no more."""
    async with asyncio.timeout(10):
        while len(stream.of(subject)) < count:
            await asyncio.sleep(0.002)
    bodies = [orjson.loads(message.data) for message in stream.of(subject)]
    assert len(bodies) == count
    return bodies
