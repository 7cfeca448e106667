"""The event stream on NATS JetStream.

Consumes by long-lived pull requests on one inbox (the protocol of ADR-13 of nats-architecture-and-design):
the server sends what is due the moment it is due, and never more than was asked for. nats-py's own `fetch`
waits for a whole batch or its timeout, which is latency, or polls, which is load.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import nats
import nats.errors
import nats.js.errors
import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.api import ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig

from common import history
from common.errors import Unavailable
from common.stream import (
    DEAD_LETTER_SUBJECTS,
    DEAD_LETTERS,
    STREAM,
    STREAM_SUBJECTS,
    ConsumerSpec,
    Delivery,
    Stored,
)

log = logging.getLogger(__name__)

PUBLISH_TIMEOUT = 2.0
PULL_EXPIRES = 30.0
PULL_HEARTBEAT = 5.0
RETRY_SECONDS = 0.25
EXPIRED = "408"
NO_RESPONDERS = "503"
NO_SUCH_MESSAGE = (10037, 10043, 10057)
"""Error codes of JetStream's API: no message found, sequence not found, delete failed."""
DUPLICATE_WINDOW = 120.0
MAX_EVENT_BYTES = 256 * 1024


@dataclass(slots=True)
class _JetStreamDelivery:
    message: Msg
    attempt: int
    sequence: int

    @property
    def subject(self) -> str:
        return self.message.subject

    @property
    def data(self) -> bytes:
        return self.message.data

    @property
    def headers(self) -> Mapping[str, str]:
        return self.message.headers or {}

    async def ack(self) -> None:
        await self._answer(b"+ACK")

    async def nak(self, delay: float) -> None:
        await self._answer(b"-NAK " + orjson.dumps({"delay": int(delay * 1e9)}))

    async def term(self) -> None:
        await self._answer(b"+TERM")

    async def in_progress(self) -> None:
        await self._answer(b"+WPI")

    async def _answer(self, verdict: bytes) -> None:
        # A lost answer means a redelivery, which every handler bears: not worth a round trip each.
        try:
            await self.message._client.publish(self.message.reply, verdict)
        except nats.errors.Error as error:
            log.warning("answer not sent, the message will come again", extra={"error": repr(error)})


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Any failure of the client is `Unavailable`: nobody else has to know the client's errors."""
    try:
        yield
    except (nats.errors.Error, TimeoutError) as error:
        raise Unavailable(f"{what}: {error!r}") from error


class JetStreamSource:
    """Keeps one pull request open and hands out what arrives."""

    def __init__(self, client: Client, durable: str, declare: Callable[[], Awaitable[None]]) -> None:
        self._client = client
        self._declare = declare
        self._next_subject = f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{durable}"
        self._inbox = client.new_inbox()
        self._arrived: deque[Delivery] = deque()
        self._wake = asyncio.Event()
        self._requested = 0
        self._last_heard = 0.0
        self._refusal: str | None = None
        self._subscription: Subscription | None = None

    async def open(self) -> None:
        self._subscription = await self._client.subscribe(
            self._inbox, cb=self._receive, pending_msgs_limit=-1, pending_bytes_limit=-1
        )

    async def pull(self, limit: int) -> Sequence[Delivery]:
        while not self._arrived:
            with _translated("The event stream can't be asked"):
                if self._refusal is not None:
                    await self._recover()
                if self._requested <= 0 or self._is_silent():
                    await self._request(limit)
            self._wake.clear()
            try:
                # Not wait_for: before Python 3.12 it swallows a cancellation that meets an arrival.
                async with asyncio.timeout(PULL_HEARTBEAT):
                    await self._wake.wait()
            except TimeoutError:
                continue
        return [self._arrived.popleft() for _ in range(min(limit, len(self._arrived)))]

    async def close(self) -> None:
        if self._subscription is not None and not self._client.is_closed:
            await self._subscription.unsubscribe()

    def reconnected(self) -> None:
        """Whatever was asked for over the old connection is void."""
        self._requested = 0
        self._wake.set()

    def _is_silent(self) -> bool:
        return time.monotonic() - self._last_heard > 2.5 * PULL_HEARTBEAT

    async def _recover(self) -> None:
        """A pause before asking again; what is not there any more is declared first.

        Only then: a newer version of the service may have declared its consumer otherwise.
        """
        await asyncio.sleep(RETRY_SECONDS)
        if self._refusal == NO_RESPONDERS:
            await self._declare()
        self._refusal = None

    async def _request(self, limit: int) -> None:
        request = {
            "batch": limit,
            "expires": int(PULL_EXPIRES * 1e9),
            "idle_heartbeat": int(PULL_HEARTBEAT * 1e9),
        }
        self._requested, self._last_heard = limit, time.monotonic()
        await self._client.publish(self._next_subject, orjson.dumps(request), reply=self._inbox)

    async def _receive(self, message: Msg) -> None:
        self._last_heard = time.monotonic()
        status = (message.headers or {}).get("Status") if not message.reply else None
        if status == "100":
            return
        if status is not None or not message.reply:
            # The request ended (expired, consumer changed or gone, server going down): ask again.
            self._requested = 0
            self._refusal = None if status == EXPIRED else status
            self._wake.set()
            return
        self._requested -= 1
        metadata = message.metadata
        self._arrived.append(
            _JetStreamDelivery(message, metadata.num_delivered or 1, metadata.sequence.stream)
        )
        self._wake.set()


class JetStream:
    """A connection that never gives up, with the streams declared before its first use."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        self._client = Client()
        self._sources: list[JetStreamSource] = []
        self._declared = False

    async def connect(self) -> None:
        """Waits for the broker for as long as it takes, then declares the streams."""
        await self._client.connect(
            self._url.split(","),
            name=self._name,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.25,  # type: ignore[arg-type]  # it sleeps for it, fractions are fine
            connect_timeout=2,
            ping_interval=10,
            error_cb=self._on_error,
            reconnected_cb=self._on_reconnect,
            pending_size=16 * 1024 * 1024,
        )
        while not self._declared:
            try:
                with _translated("The streams can't be declared"):
                    await declare_streams(self._client)
                self._declared = True
            except Unavailable as error:
                log.warning("streams not declared yet", extra={"error": repr(error)})
                await asyncio.sleep(RETRY_SECONDS)

    @property
    def client(self) -> Client:
        return self._client

    async def publish(self, subject: str, data: bytes, headers: Mapping[str, str]) -> None:
        if not self.is_up():
            raise Unavailable("The event stream is down")
        with _translated("The event stream did not confirm"):
            answer = await self._client.request(subject, data, timeout=PUBLISH_TIMEOUT, headers=dict(headers))
        acknowledged = orjson.loads(answer.data)
        if "error" in acknowledged:
            raise Unavailable(f"The event stream refused: {acknowledged['error'].get('description')}")

    async def source(self, spec: ConsumerSpec) -> JetStreamSource:
        async def declare() -> None:
            await declare_streams(self._client)
            await self._declare_consumer(spec)

        source = JetStreamSource(self._client, spec.durable, declare)
        with _translated("The consumer can't be declared"):
            await self._declare_consumer(spec)
            await source.open()
        self._sources.append(source)
        return source

    async def _declare_consumer(self, spec: ConsumerSpec) -> None:
        await self._client.jetstream().add_consumer(
            STREAM,
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
        self, subjects: Sequence[str], after: int = 0, stream: str = STREAM
    ) -> AsyncGenerator[Sequence[Stored], None]:
        return history.read(self._client, stream, subjects, after)

    async def remove(self, sequence: int, stream: str) -> bool:
        with _translated("The message can't be removed"):
            try:
                return await self._client.jetstream().delete_msg(stream, sequence)
            except nats.js.errors.APIError as error:
                if error.err_code in NO_SUCH_MESSAGE:
                    return False
                raise

    def is_up(self) -> bool:
        return self._declared and self._client.is_connected

    async def close(self) -> None:
        if not self._client.is_closed:
            await self._client.close()

    async def _on_error(self, error: Exception) -> None:
        log.warning("event stream", extra={"error": repr(error)})

    async def _on_reconnect(self) -> None:
        for source in self._sources:
            source.reconnected()


async def declare_streams(client: Client) -> None:
    """The event store, kept for ever, and the dead letters, kept for ninety days."""
    context = client.jetstream(timeout=PUBLISH_TIMEOUT)
    for config in (
        StreamConfig(
            name=STREAM,
            subjects=list(STREAM_SUBJECTS),
            retention=RetentionPolicy.LIMITS,
            storage=StorageType.FILE,
            discard=DiscardPolicy.NEW,
            duplicate_window=DUPLICATE_WINDOW,
            max_msg_size=MAX_EVENT_BYTES,
            allow_direct=True,
        ),
        StreamConfig(
            name=DEAD_LETTERS,
            subjects=list(DEAD_LETTER_SUBJECTS),
            storage=StorageType.FILE,
            max_age=90 * 24 * 3600,
            duplicate_window=DUPLICATE_WINDOW,
        ),
    ):
        try:
            await context.add_stream(config)
        except nats.js.errors.BadRequestError:
            # It exists with another configuration: bring it to this one, but for what an operator scaled.
            current = await context.stream_info(str(config.name))
            await context.update_stream(config.evolve(num_replicas=current.config.num_replicas))
