"""The event store, read from its beginning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import nats.errors
import orjson
from nats.aio.client import Client
from nats.js.api import AckPolicy, ConsumerConfig

from common.messaging.stream import STREAM

BATCH = 500


@dataclass(frozen=True, slots=True)
class Recorded:
    """One stored event. `sealed_at`: when its change was decided; `stored_at`: the stream's own time."""

    kind: str
    aggregate_id: str
    body: Mapping[str, Any]
    sealed_at: datetime
    stored_at: datetime

    @property
    def version(self) -> int:
        return int(self.body.get("version", 0))


async def read(client: Client, *kinds: str) -> Sequence[Recorded]:
    """All events of these kinds ("order.cancelled"), in the stream's order."""
    context = client.jetstream(timeout=5)
    config = ConsumerConfig(
        filter_subjects=[f"{kind}.*" for kind in kinds], ack_policy=AckPolicy.NONE, inactive_threshold=30
    )
    consumer = await context.add_consumer(STREAM, config)
    left = consumer.num_pending or 0
    subscription = await context.pull_subscribe_bind(consumer=consumer.name, stream=STREAM)
    found: list[Recorded] = []
    while left > len(found):
        try:
            messages = await subscription.fetch(min(BATCH, left - len(found)), timeout=2)
        except nats.errors.TimeoutError:
            continue
        for message in messages:
            kind, _, aggregate_id = message.subject.rpartition(".")
            sealed = datetime.fromisoformat((message.headers or {})["ce-time"])
            stored = message.metadata.timestamp.astimezone(UTC)
            found.append(Recorded(kind, aggregate_id, orjson.loads(message.data), sealed, stored))
    await subscription.unsubscribe()
    await context.delete_consumer(STREAM, consumer.name)
    return found
