"""Declaration of the broker's streams, which its administrator alone may do."""

from common.contract.stream import MARKETPLACE
from common.messaging.jetstream.declarations import Storage
from common.messaging.jetstream.stream import JetStream
from common.messaging.nats_connection import Identity
from infra.dev.config import Config


async def declare(config: Config, administrator: Identity | None) -> None:
    """Declares the marketplace's streams, for as long as it takes."""
    storage = Storage(max_bytes=config.stream_bytes, permanent=True)
    stream = JetStream(config.nats(), "runner", MARKETPLACE, storage, identity=administrator)
    try:
        await stream.connect()
    finally:
        await stream.close()
