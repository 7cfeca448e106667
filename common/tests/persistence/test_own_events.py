"""A service does not begin on a database that is older than the service's own events."""

import pytest

from common.messaging.stream import Stream
from common.persistence.mongo import Database
from common.persistence.own_events import BehindOwnEvents, OwnEvents
from common.persistence.roll_forward import Unfinished, marked
from common.testing.fake_stream import FakeStream
from tests.builders import Listing, Listings, listings


@pytest.fixture
async def repo(database: Database, stream: FakeStream) -> Listings:
    return await listings(database, stream)


async def a_changed_listing(repo: Listings) -> Listing:
    listing = Listing.offer()
    await repo.save(listing)
    listing.change("Opera")
    await repo.save(listing)
    await repo.relay.drained()
    return listing


def own_events(stream: Stream, repo: Listings) -> OwnEvents:
    return OwnEvents(stream, repo, "ticket.>")


async def test_a_database_that_has_its_events_is_taken(stream: FakeStream, repo: Listings) -> None:
    await own_events(stream, repo).prepare()
    listing = await a_changed_listing(repo)
    await own_events(stream, repo).prepare()

    stream.up = False
    listing.change("later")
    await repo.save(listing)
    stream.up = True
    await own_events(stream, repo).prepare()
    await repo.relay.drained()


@pytest.mark.parametrize("lost", ["the change", "the record"])
async def test_a_database_of_before_its_latest_event_is_refused_until_it_has_it(
    stream: FakeStream, repo: Listings, lost: str
) -> None:
    listing = await a_changed_listing(repo)
    before = await repo.documents.find_one({"_id": listing.id})
    assert before is not None
    if lost == "the change":
        await repo.documents.update_one({"_id": listing.id}, {"$set": {"version": 0}})
    else:
        await repo.documents.delete_one({"_id": listing.id})

    with pytest.raises(BehindOwnEvents, match=f"listings {listing.id} was published at version 1"):
        await own_events(stream, repo).prepare()

    await repo.documents.delete_many({})
    await repo.documents.insert_one(before)
    await own_events(stream, repo).prepare()


async def test_the_versions_of_other_records_prove_nothing_and_the_refusal_says_what_to_do(
    stream: FakeStream, repo: Listings
) -> None:
    other, listing = await a_changed_listing(repo), await a_changed_listing(repo)
    await repo.documents.update_one({"_id": other.id}, {"$set": {"version": 9}})
    await repo.documents.delete_one({"_id": listing.id})

    with pytest.raises(BehindOwnEvents) as refusal:
        await own_events(stream, repo).prepare()

    assert str(refusal.value).endswith(
        "published at version 1 and is stored at -1: the database is older than the event stream. If it was "
        "restored from a backup, stop every process of this service and run its command `restored`"
    )


async def test_a_database_whose_restoration_was_broken_off_is_refused_until_it_ends(
    stream: FakeStream, repo: Listings, database: Database
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with marked(database):
            raise ZeroDivisionError
    with pytest.raises(BehindOwnEvents, match="run it again"):
        await own_events(stream, repo).prepare()

    async with marked(database):
        pass
    await own_events(stream, repo).prepare()


async def test_a_restoration_that_left_records_has_ended(
    stream: FakeStream, repo: Listings, database: Database
) -> None:
    with pytest.raises(Unfinished):
        async with marked(database):
            raise Unfinished
    await own_events(stream, repo).prepare()


@pytest.mark.parametrize("headers", [{}, {"ce-id": "ticket.created:a"}, {"ce-id": "ticket.created:a:b"}])
async def test_a_message_that_names_no_version_proves_nothing(
    stream: FakeStream, repo: Listings, headers: dict[str, str]
) -> None:
    await stream.publish("ticket.created.a", b"{}", headers)
    await own_events(stream, repo).prepare()
