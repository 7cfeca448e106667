"""Pull consumer: long-lived pull requests for a durable consumer of JetStream, on one inbox.

The protocol of ADR-13 of nats-architecture-and-design: the server sends a message as soon as it is due, and
never more than was requested. nats-py's own `fetch` waits for a whole batch or its timeout, which is
latency, or polls, which is load. The official package `nats-jetstream` (beta) has such a consumer, too: once
it is stable, and no longer repeats at once a request that was refused, this module and
`subscriptions/history` can go.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import nats.errors
import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from prometheus_client import Counter

from common.base.errors import Unavailable
from common.base.logs import Repetitions
from common.messaging.nats_connection import cancellation_kept
from common.messaging.stream import Delivery, Pending

log = logging.getLogger(__name__)

_REFUSALS = Counter("event_pull_refusals", "Pull requests that the broker ended", ["consumer", "status"])

PULL_EXPIRES = 30.0
PULL_HEARTBEAT = 5.0
RETRY_SECONDS = 0.25
LONGEST_RETRY_SECONDS = 5.0
MOST_PER_REQUEST = 10_000
TOO_MANY = "Exceeded MaxRequestBatch"
HEARTBEAT = "100"
EXPIRED = "408"
NO_RESPONDERS = "503"


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

    @property
    def parked_for(self) -> None:
        return None

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
def translated(failure: str) -> Iterator[None]:
    """Translates the client's errors to `Unavailable`, so that no other module knows them."""
    try:
        with cancellation_kept():
            yield
    except (nats.errors.Error, TimeoutError) as error:
        raise Unavailable(f"{failure}: {error!r}") from error


class JetStreamSource:
    """Keeps one pull request open and returns the messages that arrive."""

    def __init__(
        self, client: Client, stream: str, durable: str, declare: Callable[[], Awaitable[None]]
    ) -> None:
        self._client = client
        self._stream = stream
        self._durable = durable
        self._declare = declare
        self._next_subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"
        self._inbox = client.new_inbox()
        self._arrived: deque[Delivery] = deque()
        self._wake = asyncio.Event()
        self._requested = 0
        self._asked = 0
        self._last_received = 0.0
        self._refusal: str | None = None
        self._refusals = Repetitions()
        self._most = MOST_PER_REQUEST
        self._subscription: Subscription | None = None

    async def open(self) -> None:
        self._subscription = await self._client.subscribe(
            self._inbox, cb=self._receive, pending_msgs_limit=-1, pending_bytes_limit=-1
        )

    async def pull(self, limit: int) -> Sequence[Delivery]:
        while not self._arrived:
            with translated("The event stream can't be asked"):
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

    async def pending(self) -> Pending:
        with translated("The consumer can't be asked"):
            info = await self._client.jetstream().consumer_info(self._stream, self._durable)
        return Pending(info.num_pending or 0, info.num_ack_pending or 0)

    async def close(self) -> None:
        if self._subscription is not None and not self._client.is_closed:
            await self._subscription.unsubscribe()

    def reconnected(self) -> None:
        """Forgets the request of the old connection."""
        self._requested = 0
        self._wake.set()

    def _is_silent(self) -> bool:
        return time.monotonic() - self._last_received > 2.5 * PULL_HEARTBEAT

    async def _recover(self) -> None:
        """Waits before the next request, and declares a consumer that no longer exists."""
        await asyncio.sleep(min(RETRY_SECONDS * self._refusals.count, LONGEST_RETRY_SECONDS))
        if self._refusal == NO_RESPONDERS:
            await self._declare()
        self._refusal = None

    async def _request(self, limit: int) -> None:
        limit = min(limit, self._most)
        request = {
            "batch": limit,
            "expires": int(PULL_EXPIRES * 1e9),
            "idle_heartbeat": int(PULL_HEARTBEAT * 1e9),
        }
        self._requested = self._asked = limit
        self._last_received = time.monotonic()
        await self._client.publish(self._next_subject, orjson.dumps(request), reply=self._inbox)

    async def _receive(self, message: Msg) -> None:
        self._last_received = time.monotonic()
        status = (message.headers or {}).get("Status") if not message.reply else None
        if status == HEARTBEAT:
            return
        if status is not None or not message.reply:
            self._end_request(status, (message.headers or {}).get("Description", ""))
        else:
            self._requested -= 1
            self._refusals.over()
            metadata = message.metadata
            self._arrived.append(
                _JetStreamDelivery(message, metadata.num_delivered or 1, metadata.sequence.stream)
            )
        self._wake.set()

    def _end_request(self, status: str | None, description: str) -> None:
        """The request expired, or was refused: the consumer changed or is gone, the server goes down …"""
        self._requested = 0
        if status == EXPIRED:
            self._refusals.over()
            return
        self._refusal = status
        if description.startswith(TOO_MANY):
            # An operator bounded the consumer's requests: ask for fewer, until it is few enough.
            self._most = max(1, min(self._most, self._asked) // 2)
        _REFUSALS.labels(self._durable, status).inc()
        if self._refusals.is_due():
            about = {"consumer": self._durable, "status": status, "description": description}
            log.warning("the broker refuses to deliver", extra={**about, "times": self._refusals.count})
