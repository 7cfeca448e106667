"""Declarations of the streams and of durable consumers, which only ever widen.

During a rollout, processes of two versions declare the same stream and the same consumers. If the older one
could take a subject away, the newer one's publications would be refused, and its events would be skipped for
good: a consumer never returns to what its filter skipped. `narrow` is the command that takes a subject away.
What a consumer skipped before its filter was widened is handed over by `skipped`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import nats.js.errors
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig

from common.messaging.jetstream import skipped
from common.messaging.stream import ConsumerSpec, StreamSpec

Config = TypeVar("Config", StreamConfig, ConsumerConfig)

TIMEOUT = 2.0
DUPLICATE_WINDOW = 120.0
MAX_EVENT_BYTES = 256 * 1024
DEAD_LETTERS_AGE = 90 * 24 * 3600
DEAD_LETTERS_PART = 8


@dataclass(frozen=True, slots=True)
class Storage:
    """How the broker stores the streams.

    replicas: Servers of the cluster that keep a copy of each.
    max_bytes: Bound of the event store; that of the dead letters is an eighth. None: as it is, at first none.
    permanent: Whether no event can be deleted or purged from then on, by any user.
    """

    replicas: int = 1
    max_bytes: int | None = None
    permanent: bool = False


async def declare_streams(client: Client, spec: StreamSpec, storage: Storage) -> None:
    """The event store, kept for ever, and the dead letters, kept for ninety days.

    Both refuse what they have no room for, and drop nothing in its place: it waits in outboxes and consumers.
    """
    context = client.jetstream(timeout=TIMEOUT)
    await _declare_stream(
        context,
        StreamConfig(
            name=spec.name,
            subjects=list(spec.subjects),
            retention=RetentionPolicy.LIMITS,
            storage=StorageType.FILE,
            discard=DiscardPolicy.NEW,
            duplicate_window=DUPLICATE_WINDOW,
            max_msg_size=MAX_EVENT_BYTES,
            allow_direct=True,
            num_replicas=storage.replicas,
            max_bytes=storage.max_bytes,
            deny_delete=storage.permanent,
            deny_purge=storage.permanent,
        ),
    )
    await _declare_stream(
        context,
        StreamConfig(
            name=spec.dead_letters,
            subjects=list(spec.dead_letter_subjects),
            storage=StorageType.FILE,
            max_age=DEAD_LETTERS_AGE,
            discard=DiscardPolicy.NEW,
            duplicate_window=DUPLICATE_WINDOW,
            num_replicas=storage.replicas,
            max_bytes=storage.max_bytes and storage.max_bytes // DEAD_LETTERS_PART,
        ),
    )


async def lacking(client: Client, spec: StreamSpec) -> Sequence[str]:
    """What the broker lacks of the streams, in words; empty where a service can work on them."""
    context = client.jetstream(timeout=TIMEOUT)
    found = []
    streams = ((spec.name, spec.subjects), (spec.dead_letters, spec.dead_letter_subjects))
    for name, subjects in streams:
        try:
            there = (await context.stream_info(name)).config.subjects or ()
        except nats.js.errors.NotFoundError:
            found.append(f"the stream {name}")
        else:
            found += [f"{subject} in the stream {name}" for subject in subjects if subject not in there]
    return found


async def declare_consumer(client: Client, stream: str, spec: ConsumerSpec) -> ConsumerConfig:
    """Returns the consumer as it is then."""
    context = client.jetstream(timeout=TIMEOUT)
    wanted = ConsumerConfig(
        durable_name=spec.durable,
        filter_subjects=list(spec.filter_subjects),
        ack_wait=spec.ack_wait,
        max_ack_pending=spec.max_ack_pending,
        # Attempts are counted and ended by the listener, which writes the dead letter first.
        max_deliver=-1,
    )
    try:
        current = (await context.consumer_info(stream, spec.durable)).config
    except nats.js.errors.NotFoundError:
        await context.add_consumer(stream, wanted)
        return wanted
    widened = widened_consumer(current, wanted)
    if widened is current:
        return current
    if missed := skipped.widening(spec.durable, filters(current), spec.filter_subjects):
        before = skipped.of(current)
        subjects = missed.union(before.subjects if before else ())
        widened = skipped.marked(widened, skipped.Skipped(tuple(subjects)))
    await context.add_consumer(stream, widened)
    return widened


async def _declare_stream(context: JetStreamContext, wanted: StreamConfig) -> None:
    try:
        current = (await context.stream_info(str(wanted.name))).config
    except nats.js.errors.NotFoundError:
        await context.add_stream(wanted)
        return
    widened = widened_stream(current, wanted)
    if widened is not current:
        await context.update_stream(widened)


def widened_stream(current: StreamConfig, wanted: StreamConfig) -> StreamConfig:
    """`current` itself where `wanted` adds nothing to it."""
    return _changed(
        current,
        subjects=_union(current.subjects or (), wanted.subjects or ()),
        num_replicas=max(current.num_replicas or 1, wanted.num_replicas or 1),
        duplicate_window=max(current.duplicate_window or 0, wanted.duplicate_window or 0),
        allow_direct=bool(current.allow_direct or wanted.allow_direct),
        max_msg_size=_looser(current.max_msg_size, wanted.max_msg_size),
        max_age=_looser(current.max_age, wanted.max_age),
        # The administrator's to decide, in both directions; a process that knows no bound leaves it.
        max_bytes=wanted.max_bytes or current.max_bytes,
        discard=wanted.discard,
        deny_delete=bool(current.deny_delete or wanted.deny_delete),
        deny_purge=bool(current.deny_purge or wanted.deny_purge),
    )


def widened_consumer(current: ConsumerConfig, wanted: ConsumerConfig) -> ConsumerConfig:
    """`current` itself where `wanted` adds nothing to it."""
    return _changed(
        current,
        filter_subject=None,
        filter_subjects=_union(filters(current), wanted.filter_subjects or ()),
        ack_wait=max(current.ack_wait or 0, wanted.ack_wait or 0),
        max_ack_pending=max(current.max_ack_pending or 0, wanted.max_ack_pending or 0),
    )


def filters(config: ConsumerConfig) -> list[str]:
    """The subjects that a consumer asks for; a server reports a single one apart."""
    return list(config.filter_subjects or ([config.filter_subject] if config.filter_subject else []))


async def narrow_stream(client: Client, stream: str, subject: str) -> None:
    """Takes a subject away from the stream, which refuses it then. Raises ValueError if it is not there."""
    context = client.jetstream(timeout=TIMEOUT)
    current = (await context.stream_info(stream)).config
    left = _without(current.subjects or (), subject)
    await context.update_stream(current.evolve(subjects=left))


async def narrow_consumer(client: Client, stream: str, durable: str, subject: str) -> None:
    """Takes a subject away from a consumer's filter. Raises ValueError if it is not there.

    What is published under it from then on does not come to this consumer. A version that declares the
    subject again is handed all of its messages again, from the first one.
    """
    context = client.jetstream(timeout=TIMEOUT)
    current = (await context.consumer_info(stream, durable)).config
    left = _without(filters(current), subject)
    await context.add_consumer(stream, current.evolve(filter_subject=None, filter_subjects=left))


def _changed(current: Config, **fields: Any) -> Config:
    new = {name: value for name, value in fields.items() if not _same(getattr(current, name), value)}
    return current.evolve(**new) if new.keys() - {"filter_subject"} else current


def _same(one: Any, other: Any) -> bool:
    """Subjects have no order, and a server leaves out what is false or zero."""
    if isinstance(one, list) and isinstance(other, list):
        return set(one) == set(other)
    return bool((one or None) == (other or None))


def _union(current: Iterable[str], wanted: Iterable[str]) -> list[str]:
    return sorted({*current, *wanted})


def _without(subjects: Iterable[str], subject: str) -> list[str]:
    left = [each for each in subjects if each != subject]
    if len(left) == len(list(subjects)) or not left:
        raise ValueError(f"{subject} can't be taken away from {', '.join(subjects)}")
    return left


def _looser(current: Any, wanted: Any) -> Any:
    """The higher limit; none at all, which a server writes as 0 or -1, is the highest."""
    return current if (current or 0) <= 0 or 0 < (wanted or 0) <= current else wanted
