"""Two releases on one database: fields that only the newer one knows are kept, and derived again."""

import asyncio

import pytest

from common.base import times
from common.base.errors import Outage
from common.base.money import Money
from common.contract.details import Details
from common.persistence.mongo import Database, Document
from common.testing.browser import a_user
from common.testing.events import emitted
from common.testing.fake_stream import FakeStream
from tickets import commands, repository, sweep
from tickets.domain import Ticket
from tickets.publishers import publishers
from tickets.repository import TicketRepository

DATABASES = ["database", pytest.param("real_database", marks=pytest.mark.connected)]
SELLER = a_user()


class Newer(TicketRepository):
    """The next release: it lets one search by the title's first letter."""

    derivation = TicketRepository.derivation + 1

    def derived(self, ticket: Ticket) -> Document:
        return {**super().derived(ticket), "initial": ticket.title[0].lower()}


@pytest.fixture(params=DATABASES)
def either_database(request: pytest.FixtureRequest) -> Database:
    found: Database = request.getfixturevalue(request.param)
    return found


@pytest.fixture
async def older(either_database: Database, stream: FakeStream) -> TicketRepository:
    tickets = TicketRepository(either_database, publishers(stream))
    await tickets.prepare()
    return tickets


@pytest.fixture
def newer(older: TicketRepository, stream: FakeStream) -> Newer:
    return Newer(older.documents.database, publishers(stream))


async def document(tickets: TicketRepository, ticket: Ticket) -> Document:
    found = await tickets.documents.find_one({"_id": ticket.id}, {"outbox": 0})
    assert found is not None
    return found


async def test_a_derived_field_that_an_older_release_left_stale_is_derived_again(
    older: TicketRepository, newer: Newer, stream: FakeStream
) -> None:
    ticket = await commands.offer(newer, SELLER, "Concert", Money(2000))
    assert await sweep.sweep(newer) == 0

    await commands.edit(older, SELLER, ticket.id, "Opera", Money(2000))
    assert (await document(newer, ticket))["initial"] == "c"

    assert await sweep.sweep(newer) == 1
    found = await document(newer, ticket)
    assert (found["initial"], found["search"], found["version"]) == ("o", "opera", 1)
    assert await sweep.sweep(newer) == 0
    await newer.relay.drained()
    await emitted(stream, "ticket.updated", 1)


async def test_tickets_of_an_older_release_are_derived_page_by_page(
    older: TicketRepository, newer: Newer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "DERIVED_LIMIT", 2)
    offered = [await commands.offer(older, SELLER, title, Money(2000)) for title in ("Ax", "By", "Cz")]
    # As the release before the first number stored it.
    await older.documents.update_one({"_id": offered[0].id}, {"$unset": {"derivation": ""}})

    assert [await sweep.sweep(newer) for _ in range(3)] == [2, 1, 0]

    assert [(await document(newer, ticket))["initial"] for ticket in offered] == ["a", "b", "c"]


async def test_what_a_rollback_saved_is_derived_again_after_the_next_rollout(
    older: TicketRepository, newer: Newer
) -> None:
    ticket = await commands.offer(newer, SELLER, "Concert", Money(2000))
    await commands.edit(older, SELLER, ticket.id, "Opera", Money(2000))
    # The older release derives nothing of the newer one's.
    assert await sweep.sweep(older) == 0
    await commands.edit(older, SELLER, ticket.id, "Ballet", Money(2000))

    assert await sweep.sweep(newer) == 1

    assert (await document(newer, ticket))["initial"] == "b"


async def test_a_ticket_that_changes_between_being_read_and_derived_again_is_left_to_the_next_sweep(
    older: TicketRepository, newer: Newer
) -> None:
    ticket = await commands.offer(older, SELLER, "Concert", Money(2000))
    (read,) = await newer.derived_by_older()
    await commands.edit(older, SELLER, ticket.id, "Opera", Money(2000))

    await newer.derive_again(read)

    assert "initial" not in await document(newer, ticket)
    assert await sweep.sweep(newer) == 1
    assert (await document(newer, ticket))["initial"] == "o"


async def test_a_derived_field_that_a_ticket_has_no_more_is_removed(
    older: TicketRepository, newer: Newer
) -> None:
    ticket = await commands.offer(
        older, SELLER, "Concert", Money(2000), Details(event_date=times.now().date())
    )
    # As if the older release did not know the field, and let the day go.
    bare = await commands.edit(older, SELLER, ticket.id, "Concert", Money(2000))
    await older.documents.update_one({"_id": bare.id}, {"$set": {"soonness": -7}})

    await sweep.sweep(newer)

    assert "soonness" not in await document(newer, ticket)


async def test_an_edit_keeps_details_that_this_release_does_not_know(older: TicketRepository) -> None:
    ticket = await commands.offer(older, SELLER, "Concert", Money(2000), Details(venue="Hall", seat="1"))
    await older.documents.update_one({"_id": ticket.id}, {"$set": {"details.doors": "19:00"}})

    await commands.edit(older, SELLER, ticket.id, "Concert", Money(2000), Details(venue="Arena"))

    details = (await document(older, ticket))["details"]
    assert details == {**Details(venue="Arena").to_document(), "doors": "19:00"}


async def test_a_ticket_that_is_older_than_details_gets_them(older: TicketRepository) -> None:
    ticket = await commands.offer(older, SELLER, "Concert", Money(2000))
    await older.documents.update_one({"_id": ticket.id}, {"$unset": {"details": ""}})

    await commands.edit(older, SELLER, ticket.id, "Concert", Money(2000), Details(venue="Arena"))

    assert (await older.get(ticket.id)).details == Details(venue="Arena")


async def test_the_service_sweeps_by_itself_also_after_an_outage(
    older: TicketRepository, newer: Newer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = await commands.offer(older, SELLER, "Concert", Money(2000))
    monkeypatch.setattr(sweep, "SWEEP_SECONDS", 0.001)
    find, outages = newer.derived_by_older, [Outage("gone")]

    async def failing_first() -> object:
        if outages:
            raise outages.pop()
        return await find()

    monkeypatch.setattr(newer, "derived_by_older", failing_first)
    job = asyncio.create_task(sweep.run(newer))
    async with asyncio.timeout(5):
        while "initial" not in await document(newer, ticket):
            await asyncio.sleep(0.001)
    job.cancel()
