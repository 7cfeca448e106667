"""The event store, read from its beginning with the library's own reader."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from nats.aio.client import Client

from common.contract.stream import MARKETPLACE
from common.messaging.stream import Stored
from common.messaging.subscriptions.history import History


@dataclass(frozen=True, slots=True)
class Recorded:
    """One stored event. `sealed_at`: the time of the decision; `stored_at`: the stream's own time."""

    kind: str
    aggregate_id: str
    body: Mapping[str, Any]
    sealed_at: datetime
    stored_at: datetime

    @property
    def version(self) -> int:
        return int(self.body.get("version", 0))


async def stored(client: Client, subjects: Sequence[str] = (">",)) -> AsyncIterator[Stored]:
    """The messages on these subjects up to the stream's present end, in the stream's order.

    Uses the reader's own connection and not `JetStream`, which waits for a broker without limit and declares
    the streams: a reader must only read. Raises `errors.Unavailable`.
    """
    async with aclosing(History(client).read(MARKETPLACE.name, subjects, 0)) as batches:
        async for batch in batches:
            for message in batch:
                yield message


async def recorded(client: Client, *kinds: str) -> Sequence[Recorded]:
    """All events of these kinds ("order.cancelled"), in the stream's order. Raises `errors.Unavailable`."""
    return [_recorded(message) async for message in stored(client, [f"{kind}.*" for kind in kinds])]


def _recorded(message: Stored) -> Recorded:
    kind, _, aggregate_id = message.subject.rpartition(".")
    sealed = datetime.fromisoformat(message.headers["ce-time"])
    return Recorded(kind, aggregate_id, orjson.loads(message.data), sealed, message.at.astimezone(UTC))
