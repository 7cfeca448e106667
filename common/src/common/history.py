"""Reads what a JetStream stream holds, from any place in it to its end, apart from every durable consumer."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from common.errors import Unavailable
from common.stream import Stored

BATCH = 1_000
FETCH_SECONDS = 5.0
UNUSED_SECONDS = 30.0
TRIES = 5


async def read(
    client: Client, stream: str, subjects: Sequence[str], after: int
) -> AsyncGenerator[Sequence[Stored], None]:
    """What `Stream.history` promises.

    By a consumer in the server's memory that acknowledges nothing. One that breaks off, or skips, is
    replaced by one that begins after what was read; raises `Unavailable` if five in a row bring nothing.
    """
    with _translated():
        last = (await client.jetstream().stream_info(stream)).state.last_seq
    tries = 0
    while after < last:
        try:
            async with aclosing(_once(client, stream, subjects, after, last)) as batches:
                async for batch in batches:
                    after, tries = batch[-1].sequence, 0
                    yield batch
            return
        except Unavailable:
            tries += 1
            if tries == TRIES:
                raise


async def _once(
    client: Client, stream: str, subjects: Sequence[str], after: int, last: int
) -> AsyncGenerator[Sequence[Stored], None]:
    context = client.jetstream()
    config = ConsumerConfig(
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=after + 1,
        filter_subjects=list(subjects),
        ack_policy=AckPolicy.NONE,
        inactive_threshold=UNUSED_SECONDS,
        mem_storage=True,
        num_replicas=1,
    )
    with _translated():
        consumer = await context.add_consumer(stream, config)
    pending, received = consumer.num_pending or 0, 0
    with _translated():
        subscription = await context.pull_subscribe_bind(consumer.name, stream)
    try:
        while pending and after < last:
            with _translated():
                messages = await subscription.fetch(min(BATCH, pending), FETCH_SECONDS)
            for message in messages:
                received += 1
                if message.metadata.sequence.consumer != received:
                    raise Unavailable("The event stream skipped a message")
            # What came into the stream since the beginning is the next reading's.
            batch = [stored for stored in map(_stored, messages) if stored.sequence <= last]
            if batch:
                yield batch
            pending = messages[-1].metadata.num_pending
            after = messages[-1].metadata.sequence.stream
    finally:
        await _forget(context, stream, consumer.name, subscription)


async def _forget(
    context: JetStreamContext, stream: str, consumer: str, subscription: JetStreamContext.PullSubscription
) -> None:
    """The server forgets it by itself, later, where this fails."""
    with suppress(nats.errors.Error, TimeoutError):
        await subscription.unsubscribe()
        await context.delete_consumer(stream, consumer)


def _stored(message: Msg) -> Stored:
    metadata = message.metadata
    return Stored(
        metadata.sequence.stream, message.subject, message.data, message.headers or {}, metadata.timestamp
    )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (nats.errors.Error, TimeoutError) as error:
        raise Unavailable(f"The event stream can't be read: {error!r}") from error
