"""Reads what a JetStream stream holds, from any place in it to its end, apart from every durable consumer."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import datetime

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, RawStreamMsg
from nats.js.errors import FetchTimeoutError, NotFoundError

from common.base import times
from common.base.errors import Unavailable
from common.messaging.nats_connection import cancellation_kept
from common.messaging.stream import Stored

BATCH = 1_000
ANSWER_SECONDS = 5.0
UNUSED_SECONDS = 30.0
TRIES = 5
WAIT_SECONDS = 5.0
HEARTBEAT_SECONDS = 2.0
"""A consumer that waits for its next message is lost if it gives no sign of life in WAIT_SECONDS."""
NO_MESSAGE = 10037
"""Error code of JetStream's API."""


class _Lost(Unavailable):
    """With the connection over which it was asked. The next one is there."""


class History:
    """What `Stream.history` promises, over one connection.

    By a consumer in a server's memory that acknowledges nothing. One that breaks off, or skips, is replaced
    by one that begins after what was read; raises `Unavailable` if five in a row bring nothing.

    In a cluster the consumer may be on a server that is behind the others: its number of pending messages is
    no end. The end is the last message on the subjects, as the stream's leader has it.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._asked: set[asyncio.Timeout] = set()

    def reconnected(self) -> None:
        """Ends the requests of the old connection, which get no answer any more."""
        now = asyncio.get_running_loop().time()
        for asked in self._asked:
            # One that has ended already and was not left yet can't be ended again.
            if not asked.expired():
                asked.reschedule(now)

    async def read(
        self, stream: str, subjects: Sequence[str], after: int
    ) -> AsyncGenerator[Sequence[Stored], None]:
        tries, last = 0, await self._end(stream, subjects)
        while after < last:
            try:
                async with aclosing(self._once(stream, subjects, after, last)) as batches:
                    async for batch in batches:
                        after, tries = batch[-1].sequence, 0
                        yield batch
                return
            except Unavailable:
                tries += 1
                if tries == TRIES:
                    raise
                # The last message may have been removed meanwhile: it would be waited for in vain.
                last = min(last, await self._end(stream, subjects))

    async def follow(
        self, stream: str, subject: str, since: datetime, after: int
    ) -> AsyncGenerator[Sequence[Stored], None]:
        """What `Stream.follow` promises.

        By one consumer in a server's memory. Its messages are numbered, so none is left out unnoticed.
        """
        context = self._client.jetstream(timeout=ANSWER_SECONDS)
        async with self._asking():
            consumer = await context.add_consumer(stream, _following(subject, since, after))
            subscription = await context.pull_subscribe_bind(consumer.name, stream)
        pending, received = consumer.num_pending or 0, 0
        try:
            while True:
                if not pending:
                    yield ()
                messages = await self._next(subscription, pending)
                for message in messages:
                    received += 1
                    _check_number(message, received)
                if messages:
                    yield [*map(_stored, messages)]
                    pending = messages[-1].metadata.num_pending
        finally:
            await self._forget(context, stream, consumer.name, subscription)

    async def _next(self, subscription: JetStreamContext.PullSubscription, pending: int) -> Sequence[Msg]:
        """Messages that are there, or the next one; none if it has not come yet."""
        async with self._asking():
            if pending:
                return await subscription.fetch(min(BATCH, pending), ANSWER_SECONDS)
            try:
                return await subscription.fetch(1, WAIT_SECONDS, HEARTBEAT_SECONDS)
            except FetchTimeoutError:
                return ()

    async def last(self, stream: str, subjects: Sequence[str]) -> Stored | None:
        """What `Stream.last` promises."""
        found = await asyncio.gather(*(self._last_on(stream, subject) for subject in subjects))
        return max(filter(None, found), key=lambda stored: stored.sequence, default=None)

    async def _end(self, stream: str, subjects: Sequence[str]) -> int:
        last = await self.last(stream, subjects)
        return 0 if last is None else last.sequence

    async def _last_on(self, stream: str, subject: str) -> Stored | None:
        while True:
            with suppress(_Lost):
                async with self._asking():
                    try:
                        # Not the direct way, which any server of the cluster answers.
                        context = self._client.jetstream(timeout=ANSWER_SECONDS)
                        return _raw(await context.get_last_msg(stream, subject))
                    except NotFoundError as error:
                        if error.err_code != NO_MESSAGE:
                            raise
                        return None

    async def _once(
        self, stream: str, subjects: Sequence[str], after: int, last: int
    ) -> AsyncGenerator[Sequence[Stored], None]:
        context = self._client.jetstream(timeout=ANSWER_SECONDS)
        config = ConsumerConfig(
            # Other users of the broker can't guess it.
            name=secrets.token_hex(16),
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=after + 1,
            filter_subjects=list(subjects),
            ack_policy=AckPolicy.NONE,
            inactive_threshold=UNUSED_SECONDS,
            mem_storage=True,
            num_replicas=1,
        )
        async with self._asking():
            consumer = await context.add_consumer(stream, config)
        pending, received = consumer.num_pending or 0, 0
        async with self._asking():
            subscription = await context.pull_subscribe_bind(consumer.name, stream)
        try:
            while after < last:
                # Nothing pending: the server is behind, and has the next one in a moment.
                async with self._asking():
                    messages = await subscription.fetch(max(1, min(BATCH, pending)), ANSWER_SECONDS)
                for message in messages:
                    received += 1
                    _check_number(message, received)
                # What came into the stream since the beginning is the next reading's.
                batch = [stored for stored in map(_stored, messages) if stored.sequence <= last]
                if batch:
                    yield batch
                pending = messages[-1].metadata.num_pending
                after = messages[-1].metadata.sequence.stream
        finally:
            await self._forget(context, stream, consumer.name, subscription)

    async def _forget(
        self,
        context: JetStreamContext,
        stream: str,
        name: str,
        subscription: JetStreamContext.PullSubscription,
    ) -> None:
        """The server forgets the consumer by itself, later, where this fails."""
        with suppress(Unavailable):
            async with self._asking():
                await subscription.unsubscribe()
                await context.delete_consumer(stream, name)

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[None]:
        asked = asyncio.timeout(None)
        try:
            async with asked:
                self._asked.add(asked)
                try:
                    with cancellation_kept():
                        yield
                finally:
                    self._asked.discard(asked)
        except (nats.errors.Error, TimeoutError) as error:
            kind = _Lost if asked.expired() else Unavailable
            raise kind(f"The event stream can't be read: {error!r}") from error


def _following(subject: str, since: datetime, after: int) -> ConsumerConfig:
    """By a single filter, the call's subject ends with it: the broker's permissions name what may be read."""
    return ConsumerConfig(
        name=secrets.token_hex(16),
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE if after else DeliverPolicy.BY_START_TIME,
        opt_start_seq=after + 1 if after else None,
        opt_start_time=None if after else since,
        filter_subject=subject,
        ack_policy=AckPolicy.NONE,
        inactive_threshold=UNUSED_SECONDS,
        mem_storage=True,
        num_replicas=1,
    )


def _check_number(message: Msg, expected: int) -> None:
    if message.metadata.sequence.consumer != expected:
        raise Unavailable("The event stream skipped a message")


def _stored(message: Msg) -> Stored:
    metadata = message.metadata
    return Stored(
        metadata.sequence.stream, message.subject, message.data, message.headers or {}, metadata.timestamp
    )


def _raw(message: RawStreamMsg) -> Stored:
    return Stored(
        message.seq or 0,
        message.subject or "",
        message.data or b"",
        message.headers or {},
        message.time or times.now(),
    )
