"""Dead letters: messages that no attempt could handle, kept with the reason, out of the way of others.

`python -m common.dead_letters` lists, shows, replays and drops them.

A replay publishes the message again under `retry.<queue group>.<its subject>`, a subject that only the
consumer of the queue group that failed filters for. Under its own subject every service would receive it
again, or, within the duplicate window, none would, as its id is known. The dead letter is removed after
that. A crash between the two replays it once more: the stream drops the repetition by its id, and later the
version check does.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

from common.messaging.stream import (
    MESSAGE_ID,
    Delivery,
    Stored,
    Stream,
    first_subject,
    retry_subject,
)

REASON = "Gittix-Reason"
ATTEMPTS = "Gittix-Attempts"
QUEUE_GROUP = "Gittix-Queue-Group"
SEQUENCE = "Gittix-Sequence"
SUBJECT = "Gittix-Subject"
DROPPED = "Gittix-Dropped"

_OURS = frozenset({REASON, ATTEMPTS, QUEUE_GROUP, SUBJECT, DROPPED, MESSAGE_ID})


@dataclass(frozen=True, slots=True)
class Letter:
    """`sequence` names it; `first_sequence` is the event's own place in the event stream."""

    sequence: int
    first_sequence: int
    queue_group: str
    subject: str
    attempts: int
    reason: str
    at: datetime
    data: bytes
    headers: Mapping[str, str]

    @classmethod
    def of(cls, stored: Stored) -> "Letter":
        headers = stored.headers
        # Not of its headers: the broker lets a service write only under its own queue group, so that the
        # letter of one can't make an operator's replay hand a forged event to another.
        _, queue_group, subject = stored.subject.split(".", 2)
        return cls(
            sequence=stored.sequence,
            first_sequence=int(headers.get(SEQUENCE, 0)),
            queue_group=queue_group,
            subject=subject,
            attempts=int(headers.get(ATTEMPTS, 0)),
            reason=headers.get(DROPPED) or headers.get(REASON, ""),
            at=stored.at,
            data=stored.data,
            headers=headers,
        )


class DeadLetters:
    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def add(self, delivery: Delivery, queue_group: str, reason: str) -> None:
        """Copies the message to `dead.<queue group>.<its subject>`; the same message only once.

        Raises `errors.Unavailable` when the broker didn't confirm.
        """
        subject = first_subject(queue_group, delivery.subject)
        headers = dict(delivery.headers) | {
            MESSAGE_ID: f"dead:{queue_group}:{delivery.sequence}",
            REASON: _one_line(reason),
            ATTEMPTS: str(delivery.attempt),
            QUEUE_GROUP: queue_group,
            # Of a message that was replayed and failed again: where it stood at first.
            SEQUENCE: delivery.headers.get(SEQUENCE, str(delivery.sequence)),
            SUBJECT: subject,
        }
        await self._stream.publish(f"dead.{queue_group}.{subject}", delivery.data, headers)

    async def letters(
        self, queue_group: str | None = None, after: int = 0, *, dropped: bool = False
    ) -> AsyncGenerator[Letter, None]:
        """Those that are there now, oldest first, from behind the sequence `after`.

        `dropped` asks for those that were dropped instead. Raises `errors.Unavailable`.
        """
        kind = "dropped" if dropped else "dead"
        subject = f"{kind}.{queue_group}.>" if queue_group else f"{kind}.>"
        async with aclosing(self._stream.history([subject], after, dead_letters=True)) as batches:
            async for batch in batches:
                for stored in batch:
                    yield Letter.of(stored)

    async def find(self, sequence: int) -> Letter | None:
        async with aclosing(self.letters(after=sequence - 1)) as following:
            async for letter in following:
                return letter if letter.sequence == sequence else None
        return None

    async def replay(self, letter: Letter) -> None:
        """Hands the message to its queue group again, then removes the dead letter.

        Raises `errors.Unavailable`: it may have been handed over, and is still a dead letter.
        """
        headers = {name: value for name, value in letter.headers.items() if name not in _OURS}
        headers[MESSAGE_ID] = f"retry:{letter.queue_group}:{letter.sequence}"
        await self._stream.publish(retry_subject(letter.queue_group, letter.subject), letter.data, headers)
        await self._stream.remove(letter.sequence, dead_letters=True)

    async def drop(self, letter: Letter, reason: str) -> None:
        """Gives the message up: it moves to `dropped.<queue group>.<subject>`, with the reason."""
        headers = dict(letter.headers) | {
            MESSAGE_ID: f"dropped:{letter.queue_group}:{letter.sequence}",
            DROPPED: _one_line(reason),
        }
        await self._stream.publish(f"dropped.{letter.queue_group}.{letter.subject}", letter.data, headers)
        await self._stream.remove(letter.sequence, dead_letters=True)


def _one_line(text: str) -> str:
    """A header's value holds no line break, and has its bounds."""
    return " ".join(text.split())[:1000]
