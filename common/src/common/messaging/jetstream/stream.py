"""The event stream on NATS JetStream: the connection, publishing, reading; `pull_consumer` consumes."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime

import nats
import nats.errors
import nats.js.errors
import orjson
from nats.aio.client import Client
from nats.js import JetStreamContext

from common.base import times
from common.base.errors import Unavailable
from common.base.logs import Repetitions
from common.messaging import nats_connection
from common.messaging.jetstream.declarations import (
    Storage,
    declare_consumer,
    declare_streams,
    lacking,
)
from common.messaging.jetstream.pull_consumer import RETRY_SECONDS, JetStreamSource, translated
from common.messaging.jetstream.skipped import hand_over
from common.messaging.nats_connection import Identity, PersistentClient
from common.messaging.stream import ConsumerSpec, Stored, StreamSpec
from common.messaging.subscriptions.history import History

log = logging.getLogger(__name__)

PUBLISH_TIMEOUT = 2.0
REQUEST_TIMEOUT = 5.0
DEFAULT_STORAGE = Storage()
DECLARE = "As its administrator run: python -m common.declarations declare"
NO_SUCH_MESSAGE = (10037, 10043, 10057)
"""Error codes of JetStream's API: no message found, sequence not found, delete failed."""


class JetStream:
    """A connection that never gives up, whose streams are there before its first use."""

    def __init__(
        self,
        url: str,
        name: str,
        spec: StreamSpec,
        storage: Storage | None = DEFAULT_STORAGE,
        *,
        identity: Identity | None = None,
        waits: bool = True,
    ) -> None:
        """
        url: One server, or several of a cluster with commas between.
        name: Name of the connection, shown by the broker.
        spec: Streams to publish to and consume from.
        storage: How to declare the streams. None: this process waits until an administrator has declared
            them, as where the broker's users may not.
        identity: User of the broker, where it has users.
        waits: Whether `connect` waits for the streams; a user that may not ask for them uses them as they
            are.
        """
        self._url = url
        self._name = name
        self._spec = spec
        self._storage = storage
        self._identity = identity
        self._client = PersistentClient()
        self._history = History(self._client)
        self._sources: list[JetStreamSource] = []
        self._connected = False
        self._declared = not waits
        self._usable = False

    async def connect(self, *, declare: bool = True) -> None:
        """Waits for the broker for as long as it takes, then declares the streams, or waits for them, too.

        Again: nothing. `declare=False` is for a command: it uses the streams as they are.
        """
        if not self._connected:
            await nats_connection.connect(
                self._client, self._url, self._name, self._on_reconnect, identity=self._identity
            )
            self._connected = True
        refusals = Repetitions()
        while declare and not self._declared:
            try:
                await self._declare_streams()
                self._declared = True
            except Unavailable as error:
                if refusals.is_due():
                    log.warning("streams not declared yet: %s", error)
                await asyncio.sleep(RETRY_SECONDS)
        self._usable = True

    async def _declare_streams(self) -> None:
        """Raises `errors.Unavailable`, also where an administrator has to declare something first."""
        with translated("The streams can't be declared"):
            if self._storage is not None:
                await declare_streams(self._client, self._spec, self._storage)
                return
            missing = await lacking(self._client, self._spec)
        if missing:
            raise Unavailable(f"the broker lacks {', '.join(missing)}. {DECLARE}")

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
            await self._declare_streams()
            await declare_consumer(self._client, self._spec.name, spec)

        source = JetStreamSource(self._client, self._spec.name, spec.durable, declare)
        with translated("The consumer can't be declared"):
            consumer = await declare_consumer(self._client, self._spec.name, spec)
            await hand_over(self, self._context, self._spec.name, consumer)
            await source.open()
        self._sources.append(source)
        return source

    def history(
        self, subjects: Sequence[str], after: int = 0, *, dead_letters: bool = False
    ) -> AsyncGenerator[Sequence[Stored], None]:
        return self._history.read(self._stored_in(dead_letters), subjects, after)

    def follow(self, subject: str, since: datetime, after: int = 0) -> AsyncGenerator[Sequence[Stored], None]:
        return self._history.follow(self._spec.name, subject, since, after)

    async def last(self, subjects: Sequence[str]) -> Stored | None:
        return await self._history.last(self._spec.name, subjects)

    async def read(self, sequence: int) -> Stored | None:
        with translated("The message can't be read"):
            try:
                found = await self._context.get_msg(self._spec.name, sequence)
            except nats.js.errors.NotFoundError:
                return None
        at = found.time or times.now()
        return Stored(sequence, found.subject or "", found.data or b"", found.headers or {}, at)

    async def count(self, subjects: str, *, dead_letters: bool = False) -> int:
        with translated("The messages can't be counted"):
            info = await self._context.stream_info(self._stored_in(dead_letters), subjects_filter=subjects)
        return sum((info.state.subjects or {}).values())

    async def remove(self, sequence: int, *, dead_letters: bool = False) -> bool:
        with translated("The message can't be removed"):
            try:
                return await self._context.delete_msg(self._stored_in(dead_letters), sequence)
            except nats.js.errors.APIError as error:
                if error.err_code in NO_SUCH_MESSAGE:
                    return False
                raise

    @property
    def _context(self) -> JetStreamContext:
        return self._client.jetstream(timeout=REQUEST_TIMEOUT)

    def _stored_in(self, dead_letters: bool) -> str:
        return self._spec.dead_letters if dead_letters else self._spec.name

    def is_up(self) -> bool:
        return self._usable and self._client.is_connected

    async def close(self) -> None:
        if not self._client.is_closed:
            await self._client.close()

    async def _on_reconnect(self) -> None:
        for source in self._sources:
            source.reconnected()
        self._history.reconnected()
