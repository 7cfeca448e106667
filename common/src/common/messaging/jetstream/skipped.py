"""Messages that a durable consumer skipped, since its filter did not have their subject yet.

During a rollout the publisher of a new kind of event may start before its listener does. A consumer never
returns to what its filter skipped, so the process that widens the filter hands those messages to its queue
group once more, under `retry.<queue group>.<subject>`, as a replay of dead letters does.

What is left to hand over stands in the consumer's own metadata, written by the request that widens its
filter, and again after each batch: after a crash the next process that declares the consumer goes on.
"""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass

import orjson
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig

from common.messaging.stream import Stream, again_for, retry_subject

log = logging.getLogger(__name__)

METADATA = "skipped"


@dataclass(frozen=True, slots=True)
class Skipped:
    """subjects: Those that were added to the filter. after: Sequence up to which all is handed over."""

    subjects: tuple[str, ...]
    after: int = 0


def of(config: ConsumerConfig) -> Skipped | None:
    """What is left to hand over; None where that is nothing."""
    value = (config.metadata or {}).get(METADATA)
    if value is None:
        return None
    found = orjson.loads(value)
    return Skipped(tuple(found["subjects"]), found["after"])


def marked(config: ConsumerConfig, skipped: Skipped | None) -> ConsumerConfig:
    metadata = {key: value for key, value in (config.metadata or {}).items() if key != METADATA}
    if skipped is not None:
        about = {"subjects": sorted(skipped.subjects), "after": skipped.after}
        metadata[METADATA] = orjson.dumps(about).decode()
    return config.evolve(metadata=metadata)


def widening(durable: str, current: Iterable[str], wanted: Iterable[str]) -> set[str]:
    """The subjects of `wanted` that the consumer has skipped so far."""
    return {*wanted} - {*current, retry_subject(durable, ">")}


async def hand_over(stream: Stream, context: JetStreamContext, name: str, consumer: ConsumerConfig) -> None:
    """Publishes what this consumer of the stream `name` skipped, if anything, for it to handle.

    Raises what nats-py raises, and `errors.Unavailable`: what is left stays in the consumer's metadata. A
    message is handed over at least once; the stream drops a repetition of the last two minutes by its id.
    """
    skipped = of(consumer)
    if skipped is None:
        return
    count, durable = 0, str(consumer.durable_name)
    async with aclosing(stream.history(skipped.subjects, skipped.after)) as batches:
        async for batch in batches:
            await asyncio.gather(*(stream.publish(*again_for(durable, stored)) for stored in batch))
            count += len(batch)
            await _mark(context, name, durable, Skipped(skipped.subjects, batch[-1].sequence))
    await _mark(context, name, durable, None)
    log.info("messages from before the listener", extra={"subjects": skipped.subjects, "count": count})


async def _mark(context: JetStreamContext, name: str, durable: str, left: Skipped | None) -> None:
    config = (await context.consumer_info(name, durable)).config
    await context.add_consumer(name, marked(config, left))
