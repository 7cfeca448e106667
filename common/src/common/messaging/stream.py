"""Port to the event stream: publish, pull due messages, read the history.

`jetstream.JetStream` is the real one, `testing.fake_stream.FakeStream` the one of unit tests; one suite
(`common/tests/messaging/test_stream.py`) runs over both.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from common.base import times

MESSAGE_ID = "Nats-Msg-Id"


def retry_subject(queue_group: str, subject: str) -> str:
    """Where a message stands that this queue group alone is to handle again."""
    return f"retry.{queue_group}.{subject}"


def first_subject(queue_group: str, subject: str) -> str:
    """The subject under which a message that may be a retry was published at first."""
    return subject.removeprefix(f"retry.{queue_group}.")


def kind_of(queue_group: str, subject: str) -> str:
    """The kind of event, such as "ticket.updated", of a message that may be a retry."""
    return first_subject(queue_group, subject).rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """A system's event stream, and beside it the stream of its dead letters.

    name: Name of the event stream, such as "blog".
    published: Subjects that the system's services publish on, such as ("ticket.>", "order.>").
    """

    name: str
    published: tuple[str, ...]

    @property
    def subjects(self) -> tuple[str, ...]:
        return (*self.published, "retry.>")

    @property
    def dead_letters(self) -> str:
        return f"{self.name}-dead-letters"

    @property
    def dead_letter_subjects(self) -> tuple[str, ...]:
        return ("dead.>", "dropped.>")


@dataclass(frozen=True, slots=True)
class Stored:
    """A message as a stream holds it; `at` is when it was stored."""

    sequence: int
    subject: str
    data: bytes
    headers: Mapping[str, str]
    at: datetime = field(default_factory=times.now)


def again_for(queue_group: str, skipped: Stored) -> tuple[str, bytes, Mapping[str, str]]:
    """A copy, as `Stream.publish` takes it, that this queue group alone handles; always of the same id."""
    headers = {**skipped.headers, MESSAGE_ID: f"skipped:{queue_group}:{skipped.sequence}"}
    return retry_subject(queue_group, skipped.subject), skipped.data, headers


@dataclass(frozen=True, slots=True)
class ConsumerSpec:
    """One durable consumer: the queue group of a service and every subject that it listens to.

    `ack_wait` is in seconds: how long a delivery may stay silent before another process gets it. It
    bounds how long a message waits after its process was killed.
    """

    durable: str
    filter_subjects: tuple[str, ...]
    ack_wait: float = 4.0
    max_ack_pending: int = 2_000


@dataclass(frozen=True, slots=True)
class Pending:
    """Work that a durable consumer has left, all processes of its service counted together.

    undelivered: Messages that no process was given yet.
    unacknowledged: Messages that were delivered, and neither acknowledged nor given up.
    """

    undelivered: int
    unacknowledged: int


class Delivery(Protocol):
    """One delivered message. Exactly one of ack, nak and term ends it; each is sent, not awaited."""

    @property
    def subject(self) -> str: ...
    @property
    def data(self) -> bytes: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def attempt(self) -> int:
        """1 for the first delivery."""
        ...

    @property
    def sequence(self) -> int:
        """The message's place in the stream."""
        ...

    @property
    def parked_for(self) -> timedelta | None:
        """How long the message has been parked; None for one that the broker delivered."""
        ...

    async def ack(self) -> None: ...
    async def nak(self, delay: float) -> None:
        """Asks for redelivery after `delay` seconds."""
        ...

    async def term(self) -> None:
        """Never again."""
        ...

    async def in_progress(self) -> None:
        """Restarts the ack deadline."""
        ...


class Source(Protocol):
    """Due messages of one durable consumer."""

    async def pull(self, limit: int) -> Sequence[Delivery]:
        """Waits until there is at least one delivery; returns at most `limit`.

        Raises `errors.Unavailable` when the broker can't be asked.
        """
        ...

    async def pending(self) -> Pending:
        """Raises `errors.Unavailable` when the broker can't be asked."""
        ...

    async def close(self) -> None: ...


class Stream(Protocol):
    async def connect(self) -> None:
        """Waits for the broker for as long as it takes, then declares the streams."""
        ...

    async def publish(self, subject: str, data: bytes, headers: Mapping[str, str]) -> int:
        """Once the message is stored, its sequence.

        One with a known `Nats-Msg-Id` is stored only once; its sequence is the first one's. Raises
        `errors.Unavailable` when the broker didn't confirm: the message may or may not be stored.
        """
        ...

    async def source(self, spec: ConsumerSpec) -> Source:
        """Declares the durable consumer and binds to it.

        A declaration only widens: subjects that another version of the service listens to stay. The messages
        that were published under an added subject before come as well, as retries, perhaps after later ones
        of their record. Raises `errors.Unavailable` when the broker can't be asked.
        """
        ...

    def history(
        self, subjects: Sequence[str], after: int = 0, *, dead_letters: bool = False
    ) -> AsyncGenerator[Sequence[Stored], None]:
        """Reads the messages on these subjects from behind the sequence `after` to the present end, in order.

        Yields batches of at most 1,000, none of them empty. `dead_letters` reads their stream instead. No
        durable consumer is touched. Raises `errors.Unavailable` when the broker can't be asked.
        """
        ...

    def follow(self, subject: str, since: datetime, after: int = 0) -> AsyncGenerator[Sequence[Stored], None]:
        """Reads the messages on a subject that were stored since then, in order, and goes on for ever.

        Yields batches of at most 1,000; an empty one whenever all that is stored was read. Raises
        `errors.Unavailable` where it breaks off. after: Sequence behind which to begin in place of `since`; 0
        for none.
        """
        ...

    async def last(self, subjects: Sequence[str]) -> Stored | None:
        """The latest message of the event stream on these subjects; None where there is none.

        Raises `errors.Unavailable` when the broker can't be asked.
        """
        ...

    async def read(self, sequence: int) -> Stored | None:
        """The message of the event stream with this sequence; None if it was deleted.

        Raises `errors.Unavailable` when the broker can't be asked.
        """
        ...

    async def count(self, subjects: str, *, dead_letters: bool = False) -> int:
        """How many messages are stored under a pattern of subjects, such as "dead.orders.>".

        Raises `errors.Unavailable` when the broker can't be asked.
        """
        ...

    async def remove(self, sequence: int, *, dead_letters: bool = False) -> bool:
        """Deletes one message for good; False if it is not there."""
        ...

    def is_up(self) -> bool: ...

    async def close(self) -> None: ...
