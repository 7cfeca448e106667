"""The event stream on NATS JetStream: the connection, the declarations, publishing; `pull` consumes."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence

import nats
import nats.errors
import nats.js.errors
import orjson
from nats.aio.client import Client
from nats.js.api import ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig

from common.base.errors import Unavailable
from common.messaging import nats_connection
from common.messaging.jetstream.pull_consumer import RETRY_SECONDS, JetStreamSource, translated
from common.messaging.stream import ConsumerSpec, Stored, StreamSpec
from common.messaging.subscriptions.history import History

log = logging.getLogger(__name__)

PUBLISH_TIMEOUT = 2.0
NO_SUCH_MESSAGE = (10037, 10043, 10057)
"""Error codes of JetStream's API: no message found, sequence not found, delete failed."""
DUPLICATE_WINDOW = 120.0
MAX_EVENT_BYTES = 256 * 1024


class JetStream:
    """A connection that never gives up, with the streams declared before its first use."""

    def __init__(self, url: str, name: str, spec: StreamSpec, replicas: int = 1) -> None:
        """
        url: One server, or several of a cluster with commas between.
        name: Name of the connection, shown by the broker.
        spec: Streams to declare, publish to and consume from.
        replicas: Servers of the cluster that keep a copy of each stream.
        """
        self._url = url
        self._name = name
        self._spec = spec
        self._replicas = replicas
        self._client = Client()
        self._history = History(self._client)
        self._sources: list[JetStreamSource] = []
        self._connected = False
        self._declared = False

    async def connect(self) -> None:
        """Waits for the broker for as long as it takes, then declares the streams. Again: nothing."""
        if not self._connected:
            await nats_connection.connect(self._client, self._url, self._name, self._on_reconnect)
            self._connected = True
        while not self._declared:
            try:
                with translated("The streams can't be declared"):
                    await declare_streams(self._client, self._spec, self._replicas)
                self._declared = True
            except Unavailable as error:
                log.warning("streams not declared yet", extra={"error": repr(error)})
                await asyncio.sleep(RETRY_SECONDS)

    @property
    def client(self) -> Client:
        return self._client

    async def publish(self, subject: str, data: bytes, headers: Mapping[str, str]) -> int:
        if not self.is_up():
            raise Unavailable("The event stream is down")
        with translated("The event stream did not confirm"):
            answer = await self._client.request(subject, data, timeout=PUBLISH_TIMEOUT, headers=dict(headers))
        acknowledged = orjson.loads(answer.data)
        if "error" in acknowledged:
            raise Unavailable(f"The event stream refused: {acknowledged['error'].get('description')}")
        return int(acknowledged["seq"])

    async def source(self, spec: ConsumerSpec) -> JetStreamSource:
        async def declare() -> None:
            await declare_streams(self._client, self._spec, self._replicas)
            await self._declare_consumer(spec)

        source = JetStreamSource(self._client, self._spec.name, spec.durable, declare)
        with translated("The consumer can't be declared"):
            await self._declare_consumer(spec)
            await source.open()
        self._sources.append(source)
        return source

    async def _declare_consumer(self, spec: ConsumerSpec) -> None:
        await self._client.jetstream().add_consumer(
            self._spec.name,
            ConsumerConfig(
                durable_name=spec.durable,
                filter_subjects=list(spec.filter_subjects),
                ack_wait=spec.ack_wait,
                max_ack_pending=spec.max_ack_pending,
                # Attempts are counted and ended by the listener, which writes the dead letter first.
                max_deliver=-1,
            ),
        )

    def history(
        self, subjects: Sequence[str], after: int = 0, *, dead_letters: bool = False
    ) -> AsyncGenerator[Sequence[Stored], None]:
        return self._history.read(self._stored_in(dead_letters), subjects, after)

    async def remove(self, sequence: int, *, dead_letters: bool = False) -> bool:
        with translated("The message can't be removed"):
            try:
                return await self._client.jetstream().delete_msg(self._stored_in(dead_letters), sequence)
            except nats.js.errors.APIError as error:
                if error.err_code in NO_SUCH_MESSAGE:
                    return False
                raise

    def _stored_in(self, dead_letters: bool) -> str:
        return self._spec.dead_letters if dead_letters else self._spec.name

    def is_up(self) -> bool:
        return self._declared and self._client.is_connected

    async def close(self) -> None:
        if not self._client.is_closed:
            await self._client.close()

    async def _on_reconnect(self) -> None:
        for source in self._sources:
            source.reconnected()
        self._history.reconnected()


async def declare_streams(client: Client, spec: StreamSpec, replicas: int) -> None:
    """The event store, kept for ever, and the dead letters, kept for ninety days."""
    context = client.jetstream(timeout=PUBLISH_TIMEOUT)
    for config in (
        StreamConfig(
            name=spec.name,
            subjects=list(spec.subjects),
            retention=RetentionPolicy.LIMITS,
            storage=StorageType.FILE,
            discard=DiscardPolicy.NEW,
            duplicate_window=DUPLICATE_WINDOW,
            max_msg_size=MAX_EVENT_BYTES,
            allow_direct=True,
            num_replicas=replicas,
        ),
        StreamConfig(
            name=spec.dead_letters,
            subjects=list(spec.dead_letter_subjects),
            storage=StorageType.FILE,
            max_age=90 * 24 * 3600,
            duplicate_window=DUPLICATE_WINDOW,
            num_replicas=replicas,
        ),
    ):
        try:
            await context.add_stream(config)
        except nats.js.errors.BadRequestError:
            # It exists with another configuration: bring it to this one, but take no copy away.
            current = await context.stream_info(str(config.name))
            kept = max(replicas, current.config.num_replicas or 1)
            await context.update_stream(config.evolve(num_replicas=kept))
