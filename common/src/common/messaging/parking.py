"""Where messages wait that can't be handled yet, out of the way of those that can.

A message waits because an earlier version of its record has not arrived, or because it is of a kind that
only a newer version of this service listens to. In the consumer each would keep one of the places that are
for work, and enough of them would stop it. A parked message is acknowledged; the parking holds its sequence,
from which it is read from the stream again.

`persistence.parked_messages.ParkedMessages` keeps them in the service's database. `parked_deliveries`
brings them back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from common.base import times

CLAIM = timedelta(seconds=30)
"""How long a message that a process took is not due for another one, unless it says that it goes on."""


@dataclass(frozen=True, slots=True)
class ParkedMessage:
    """
    sequence: Its place in the stream; names it.
    kind: Its kind of event, such as "ticket.updated".
    record: Id of the aggregate.
    attempt: How often it was delivered or tried again.
    since: When it was parked.
    """

    sequence: int
    subject: str
    kind: str
    record: str
    attempt: int
    since: datetime = field(default_factory=times.now)

    @property
    def waited(self) -> timedelta:
        return times.now() - self.since


class Parking(Protocol):
    """Each method may raise `errors.Unavailable` or `errors.DatabaseError`."""

    async def park(self, message: ParkedMessage, delay: float) -> None:
        """Stores it, due in `delay` seconds. One that is parked already stays as it is."""
        ...

    async def due(self, kinds: Sequence[str], given_up: timedelta, limit: int) -> Sequence[ParkedMessage]:
        """Takes at most `limit` messages that are due, those that were due first before the others.

        Only those of `kinds`, and those that have waited for `given_up`. They are not due again for half a
        minute, so that no other process takes them meanwhile, and each has one more attempt.
        """
        ...

    async def of_records(
        self, records: Sequence[str], kinds: Sequence[str], limit: int
    ) -> Sequence[ParkedMessage]:
        """Takes at most `limit` messages of these records in the order of the stream, due or not."""
        ...

    async def put_off(self, sequence: int, delay: float) -> None:
        """Due in `delay` seconds."""
        ...

    async def release(self, sequence: int) -> None:
        """Removes it: it was handled, or given up. One that is not there is fine."""
        ...

    async def count(self) -> int: ...

    async def oldest(self) -> datetime | None:
        """Since when the message that was parked first has waited; None where none is parked."""
        ...
