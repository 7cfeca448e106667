"""A create that is sent twice stores one record, also by two processes at the same moment."""

import asyncio

import pytest

from common.base.creation import Creation
from common.base.errors import BadRequest, DuplicateKey, KeyReused, Outage
from common.persistence.creations import ONE_PER_KEY, first_of
from common.persistence.mongo import Database
from common.testing.fake_stream import FakeStream
from tests.builders import Listing, Listings, publishers

FIRST = Creation.of("/api/listings", "user", "key", {"title": "Opera"})
OTHER_BODY = Creation.of("/api/listings", "user", "key", {"title": "Ballet"})


class KeyedListings(Listings):
    indexes = (*Listings.indexes, ONE_PER_KEY)


async def keyed(database: Database, stream: FakeStream) -> KeyedListings:
    repository = KeyedListings(database, publishers(stream))
    await repository.prepare()
    return repository


@pytest.fixture(params=["database", pytest.param("real_database", marks=pytest.mark.connected)])
def either_database(request: pytest.FixtureRequest) -> Database:
    found: Database = request.getfixturevalue(request.param)
    return found


@pytest.fixture
async def repo(either_database: Database, stream: FakeStream) -> KeyedListings:
    return await keyed(either_database, stream)


async def create(repo: Listings, creation: Creation | None, listing: Listing | None = None) -> Listing:
    """Like a command: what is stored, by this request or the first one."""

    async def decide() -> Listing:
        fresh = listing or Listing.offer("Opera")
        await repo.create(fresh, creation)
        return fresh

    stored = await repo.once(creation, decide)
    await repo.relay.drained()
    return stored


async def test_the_second_request_gets_the_record_of_the_first(repo: Listings, stream: FakeStream) -> None:
    first = await create(repo, FIRST)
    second = await create(repo, FIRST)

    assert second == first
    assert await repo.documents.count_documents({}) == 1
    assert len(stream.messages) == 1


async def test_another_body_under_the_same_key_is_refused_and_names_the_record(repo: Listings) -> None:
    first = await create(repo, FIRST)

    with pytest.raises(KeyReused) as refused:
        await create(repo, OTHER_BODY)

    assert refused.value.status == 422
    assert refused.value.headers == {"Link": f'</api/listings/{first.id}>; rel="related"'}
    assert await repo.documents.count_documents({}) == 1


async def test_another_body_may_be_refused_without_naming_the_record(repo: Listings) -> None:
    await create(repo, FIRST)

    with pytest.raises(KeyReused) as refused:
        await first_of(repo.documents, OTHER_BODY, is_told=False)

    assert refused.value.created is None


async def test_a_change_of_the_record_keeps_its_key(repo: Listings) -> None:
    first = await create(repo, FIRST)
    first.change("Changed")
    await repo.save(first)
    await repo.relay.drained()

    assert (await create(repo, FIRST)).title == "Changed"


async def test_without_a_key_each_request_creates_a_record(repo: Listings) -> None:
    assert (await create(repo, None)).id != (await create(repo, None)).id


async def test_a_refusal_that_stored_nothing_leaves_the_key_free(repo: Listings) -> None:
    async def refuse() -> Listing:
        raise BadRequest("Not yet")

    with pytest.raises(BadRequest, match="Not yet"):
        await repo.once(FIRST, refuse)

    await create(repo, FIRST)
    assert (await repo.once(FIRST, refuse)).title == "Opera"


async def test_another_unique_index_refuses_as_before(repo: Listings) -> None:
    await create(repo, FIRST, Listing.offer("Opera", "order"))
    fresh = Creation.of("/api/listings", "user", "another key", {"title": "Opera"})

    with pytest.raises(DuplicateKey):
        await create(repo, fresh, Listing.offer("Opera", "order"))


async def test_an_outage_asks_no_second_question(repo: Listings) -> None:
    async def lose() -> Listing:
        raise Outage("away")

    await create(repo, FIRST)

    with pytest.raises(Outage):
        await repo.once(FIRST, lose)


async def test_a_process_that_dies_after_its_write_leaves_a_record_that_the_second_request_gets(
    repo: Listings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Exception): ...

    def die_after_write(point: str) -> None:
        if point == "after-write":
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("common.persistence.repository.reached", die_after_write)
        with pytest.raises(Killed):
            await create(repo, FIRST)

    assert (await create(repo, FIRST)).title == "Opera"
    (document,) = await repo.documents.find({})
    assert len(document["outbox"]) == 1, "its event waits for the sweep"


@pytest.mark.connected
async def test_of_many_requests_at_many_processes_at_once_one_creates(
    real_database: Database, stream: FakeStream
) -> None:
    processes = [await keyed(real_database, stream) for _ in range(4)]

    for round_number in range(10):
        creation = Creation.of("/api/listings", "user", f"key {round_number}", {})
        found = await asyncio.gather(*(create(repo, creation) for repo in processes for _ in range(10)))
        assert len({listing.id for listing in found}) == 1

    assert await real_database["listings"].count_documents({}) == 10
