"""A seller is never told the opposite of what happened, however busy the process and its neighbours are."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from common.base.errors import Conflict, DatabaseError
from common.base.ids import new_id
from common.base.money import Money
from common.persistence.mongo import Collection, Database
from common.testing.browser import a_user
from common.testing.fake_stream import FakeStream
from tickets import commands
from tickets.domain import Ticket
from tickets.publishers import publishers
from tickets.repository import TicketRepository

DATABASES = ["database", pytest.param("real_database", marks=pytest.mark.connected)]
SELLER = a_user()


class Busy(TicketRepository):
    """Its next save shares a batch with that of `late`, which comes too late."""

    late: Ticket | None = None

    async def save(self, aggregate: Ticket) -> None:
        late, self.late = self.late, None
        if late is None:
            await super().save(aggregate)
            return
        outcome, lost = await asyncio.gather(
            super().save(aggregate), super().save(late), return_exceptions=True
        )
        assert isinstance(lost, Conflict)
        if outcome is not None:
            raise outcome


@pytest.fixture(params=DATABASES)
def either_database(request: pytest.FixtureRequest) -> Database:
    found: Database = request.getfixturevalue(request.param)
    return found


async def test_a_withdrawal_that_was_stored_is_not_refused_since_an_order_held_the_ticket_after_it(
    either_database: Database, stream: FakeStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = Busy(either_database, publishers(stream))
    theirs = TicketRepository(either_database, publishers(stream))
    await ours.prepare()
    ticket, other = [await commands.offer(ours, SELLER, "Concert", Money(2000)) for _ in range(2)]
    late = await ours.get(other.id)
    await commands.edit(theirs, SELLER, other.id, "Theirs", Money(2000))
    late.edit("Late", Money(2000))
    for tickets in (ours, theirs):
        await tickets.relay.drained()
    update_each = Collection.update_each

    async def stalled(self: Collection, updates: Sequence[Any]) -> Sequence[bool | DatabaseError]:
        outcomes = await update_each(self, updates)
        # An order that was on its way; the save that holds the ticket publishes and clears both events.
        await commands.hold(theirs, ticket.id, new_id(), Money(2000))
        await theirs.relay.drained()
        return outcomes

    monkeypatch.setattr(Collection, "update_each", stalled)
    ours.late = late

    await commands.withdraw(ours, SELLER, ticket.id)

    assert (await theirs.get(ticket.id)).withdrawn
    await ours.relay.drained()
