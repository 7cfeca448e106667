"""A record and its event are one write, and the version decides who was first."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from common.base.errors import Conflict, DuplicateKey, NotFound
from common.base.ids import new_id
from common.persistence import repository
from common.persistence.batching import DocumentWriter
from common.persistence.mongo import ASCENDING, Database, Index
from common.persistence.repository import TRIES, change_to, retrying
from common.testing.events import emitted
from common.testing.fake_stream import FakeStream
from tests.builders import Listing, Listings, a_change, listings, publishers, versions


@pytest.fixture
async def repo(database: Database, stream: FakeStream) -> Listings:
    return await listings(database, stream)


async def stored(repo: Listings, listing: Listing) -> dict[str, object]:
    document = await repo.documents.find_one({"_id": listing.id})
    assert document is not None
    return document


async def test_a_created_record_has_version_0_and_each_change_one_more(repo: Listings) -> None:
    listing = Listing.offer()
    assert listing.version == -1
    await repo.save(listing)
    assert listing.version == 0
    for version in (1, 2, 3):
        listing.change(f"Edit {version}")
        await repo.save(listing)
        assert listing.version == version

    found = await repo.get(listing.id)
    assert found == listing
    assert found.recorded is None
    await repo.relay.drained()


async def test_state_and_event_are_one_write(repo: Listings, stream: FakeStream) -> None:
    stream.up = False
    listing = Listing.offer("Opera")
    await repo.save(listing)
    document = await stored(repo, listing)
    assert (document["title"], document["version"]) == ("Opera", 0)
    assert [entry["id"] for entry in document["outbox"]] == [f"ticket.created:{listing.id}:0"]  # type: ignore[attr-defined]

    listing.change("Ballet")
    await repo.save(listing)

    document = await stored(repo, listing)
    assert (document["title"], document["version"]) == ("Ballet", 1)
    entries = document["outbox"]
    assert [entry["subject"] for entry in entries] == [  # type: ignore[attr-defined]
        f"ticket.created.{listing.id}",
        f"ticket.updated.{listing.id}",
    ]
    await repo.relay.drained()
    assert stream.messages == []


async def test_a_record_that_changed_meanwhile_is_a_conflict_and_stays_as_it_is(
    repo: Listings, stream: FakeStream
) -> None:
    listing = Listing.offer()
    await repo.save(listing)
    mine, theirs = await repo.get(listing.id), await repo.get(listing.id)
    theirs.change("Theirs")
    await repo.save(theirs)

    mine.change("Mine")
    with pytest.raises(Conflict):
        await repo.save(mine)

    assert mine.version == 0
    assert (await repo.get(listing.id)).title == "Theirs"
    await repo.relay.drained()
    assert [body["title"] for body in await emitted(stream, "ticket.updated", 1)] == ["Theirs"]


async def test_a_record_that_was_deleted_meanwhile_is_a_conflict(repo: Listings) -> None:
    listing = Listing.offer()
    await repo.save(listing)
    await repo.documents.delete_one({"_id": listing.id})

    listing.change("x")
    with pytest.raises(Conflict):
        await repo.save(listing)


async def test_without_a_change_nothing_is_saved(repo: Listings, stream: FakeStream) -> None:
    listing = Listing(id=new_id(), title="x")

    await repo.save(listing)

    assert await repo.find(listing.id) is None
    assert stream.messages == []


async def test_a_missing_record_is_not_found(repo: Listings) -> None:
    assert await repo.find(new_id()) is None
    with pytest.raises(NotFound):
        await repo.get("no id at all")


async def test_two_changes_without_a_save_between_are_a_mistake() -> None:
    listing = Listing.offer()

    with pytest.raises(RuntimeError, match="unsaved change"):
        listing.change("x")


async def test_an_event_without_a_publisher_is_a_mistake_that_stores_nothing(repo: Listings) -> None:
    listing = Listing(id=new_id(), title="x")
    listing.record(a_change(listing.id).model_copy())
    repo._publishers._by_subject.clear()

    with pytest.raises(KeyError):
        await repo.save(listing)

    assert await repo.find(listing.id) is None


async def test_a_field_that_is_none_is_absent(repo: Listings) -> None:
    first = Listing.offer()
    await repo.save(first)
    assert "order_id" not in await stored(repo, first)

    first.change("x", order_id="7")
    await repo.save(first)
    assert (await stored(repo, first))["order_id"] == "7"
    first.change("x", order_id=None)
    await repo.save(first)

    assert "order_id" not in await stored(repo, first)
    assert (await repo.get(first.id)).order_id is None
    await repo.relay.drained()


async def test_an_update_keeps_fields_that_it_does_not_know_also_within_nested_objects(
    database: Database,
) -> None:
    things = database["things"]
    await things.insert_one({"_id": "1", "seat": {"row": 1, "place": {"x": 1, "y": 2}, "late": 3}, "late": 4})

    await things.update_one(
        {"_id": "1"}, change_to({"seat": {"row": 7, "place": {"x": None}}, "tags": ["a"], "gone": None})
    )

    assert await things.find_one({"_id": "1"}) == {
        **{"_id": "1", "seat": {"row": 7, "place": {"x": None, "y": 2}, "late": 3}, "late": 4},
        **{"tags": ["a"]},
    }


async def test_a_unique_index_refuses_a_new_record_and_stores_nothing(
    repo: Listings, stream: FakeStream
) -> None:
    await repo.save(Listing.offer(order_id="7"))
    second = Listing.offer(order_id="7")

    with pytest.raises(DuplicateKey):
        await repo.save(second)

    assert await repo.find(second.id) is None
    await repo.relay.drained()
    assert len(stream.messages) == 1


async def test_a_unique_index_refuses_a_change(repo: Listings) -> None:
    await repo.save(Listing.offer(order_id="7"))
    second = Listing.offer()
    await repo.save(second)

    second.change("x", order_id="7")
    with pytest.raises(DuplicateKey):
        await repo.save(second)

    assert (await repo.get(second.id)).version == 0
    await repo.relay.drained()


@pytest.mark.connected
async def test_of_many_records_saved_at_once_only_the_bad_ones_fail(
    real_database: Database, stream: FakeStream
) -> None:
    repo = await listings(real_database, stream)
    offers = [Listing.offer(order_id="same" if n % 10 == 3 else str(n)) for n in range(50)]

    outcomes = await asyncio.gather(*(repo.save(offer) for offer in offers), return_exceptions=True)

    failed = [n for n, outcome in enumerate(outcomes) if outcome is not None]
    assert len(failed) == 4
    assert all(n % 10 == 3 and isinstance(outcomes[n], DuplicateKey) for n in failed)
    assert await repo.documents.count_documents({}) == 46
    await repo.relay.drained()
    assert len(stream.messages) == 46


async def changes_at_once(repo: Listings) -> None:
    """Of twelve, two are of the same version, one comes too late and one takes another's `order_id`."""
    offers = [Listing.offer(order_id=str(n)) for n in range(11)]
    await asyncio.gather(*(repo.save(offer) for offer in offers))
    await repo.relay.drained()
    faster = await repo.get(offers[3].id)
    faster.change("Faster")
    await repo.save(faster)
    changed = [await repo.get(offer.id) for offer in (*offers, offers[7])]
    changed[3].version = 0
    for place, listing in enumerate(changed):
        listing.change(f"Change {place}", order_id="6" if place == 5 else listing.order_id)

    outcomes = await asyncio.gather(*(repo.save(listing) for listing in changed), return_exceptions=True)

    failed = {place: type(outcome) for place, outcome in enumerate(outcomes) if outcome is not None}
    loser = max(failed)
    assert loser in (7, 11)
    assert failed == {3: Conflict, 5: DuplicateKey, loser: Conflict}
    for place, listing in enumerate(changed):
        if place not in failed:
            assert (await repo.get(listing.id)).title == f"Change {place}"
            assert listing.version == 1
    assert (await repo.get(offers[3].id)).title == "Faster"
    assert (await repo.get(offers[5].id)).version == 0
    await repo.relay.drained()
    assert [(await stored(repo, offer))["outbox"] for offer in offers] == [[]] * 11


async def test_of_many_changes_saved_at_once_each_is_told_its_own_outcome(
    repo: Listings, stream: FakeStream
) -> None:
    await changes_at_once(repo)

    assert len(stream.of("ticket.updated")) == 10


@pytest.mark.connected
async def test_of_many_changes_saved_at_once_the_real_server_says_the_same(
    real_database: Database, stream: FakeStream
) -> None:
    await changes_at_once(await listings(real_database, stream))

    assert len(stream.of("ticket.updated")) == 10


@pytest.mark.connected
async def test_a_batch_of_inserts_tells_each_its_own_outcome(real_database: Database) -> None:
    writer = DocumentWriter(real_database["things"])
    await writer.insert({"_id": "b"})

    outcomes = await asyncio.gather(
        *(writer.insert({"_id": key}) for key in ("a", "b", "c", "c", "d")), return_exceptions=True
    )

    assert [type(outcome) for outcome in outcomes] == [
        *(type(None), DuplicateKey, type(None), DuplicateKey, type(None))
    ]


async def test_of_a_batch_of_updates_only_the_refused_one_fails(database: Database) -> None:
    things = database["things"]
    await things.create_indexes([Index([("key", ASCENDING)], name="one_per_key", unique=True, sparse=True)])
    await things.insert_many([{"_id": "a"}, {"_id": "b", "key": 1}])
    writer = DocumentWriter(things)

    outcomes = await asyncio.gather(
        writer.update({"_id": "a"}, {"$set": {"key": 1}}),
        writer.update({"_id": "b"}, {"$set": {"done": True}}),
        return_exceptions=True,
    )

    assert isinstance(outcomes[0], DuplicateKey)
    assert outcomes[1] is True


async def test_who_loses_the_race_decides_again() -> None:
    losses = iter([Conflict(), Conflict()])
    decide, calls = failing(lambda: next(losses, None))

    assert await retrying(decide) == "won"
    assert calls() == 3


async def test_who_loses_every_race_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "MAX_PAUSE_SECONDS", 0.0)
    decide, calls = failing(Conflict)

    with pytest.raises(Conflict):
        await retrying(decide)

    assert calls() == TRIES == 20


async def test_what_is_no_conflict_is_not_tried_again() -> None:
    decide, calls = failing(NotFound)

    with pytest.raises(NotFound):
        await retrying(decide)

    assert calls() == 1


def failing(error: Callable[[], Exception | None]) -> tuple[Callable[[], Awaitable[str]], Callable[[], int]]:
    count = 0

    async def decide() -> str:
        nonlocal count
        count += 1
        if (raised := error()) is not None:
            raise raised
        return "won"

    return decide, lambda: count


@pytest.mark.connected
async def test_of_many_writers_none_overwrites_another(real_database: Database, stream: FakeStream) -> None:
    # Two repositories on one database are two processes: they share no lane and no batch.
    repos = [await listings(real_database, stream), Listings(real_database, publishers(stream))]
    listing = Listing.offer("")
    await repos[0].save(listing)

    async def append(number: int) -> None:
        async def decide() -> None:
            found = await repos[number % 2].get(listing.id)
            found.change(f"{found.title}{number},")
            await repos[number % 2].save(found)

        for _ in range(20):
            try:
                return await retrying(decide)
            except Conflict:
                continue
        raise AssertionError("never won")

    await asyncio.gather(*(append(number) for number in range(40)))

    final = await repos[0].get(listing.id)
    assert final.version == 40
    assert sorted(map(int, final.title.rstrip(",").split(","))) == list(range(40))
    for repo in repos:
        await repo.relay.drained()
    assert versions(await emitted(stream, "ticket.updated", 40)) == list(range(1, 41))
    document = await stored(repos[0], listing)
    assert document["outbox"] == []


class Renamed(Listings):
    indexes = (
        Index([("order_id", ASCENDING)], name="one_live_per_order", unique=True, where={"live": True}),
    )
    retired = ("one_per_order", "never_there")


@pytest.mark.connected
async def test_an_index_that_has_a_successor_is_dropped(real_database: Database, stream: FakeStream) -> None:
    await listings(real_database, stream)
    renamed = Renamed(real_database, publishers(stream))

    for _ in range(2):
        await renamed.prepare()

    found = await real_database.command({"listIndexes": "listings"})
    names = {index["name"] for index in found["cursor"]["firstBatch"]}
    assert names == {"_id_", "outbox_pending", "one_live_per_order"}


async def test_an_index_that_a_release_retired_is_dropped_once_its_successors_exist(
    database: Database, stream: FakeStream
) -> None:
    class Renamed(Listings):
        indexes = (Index([("title", ASCENDING)], name="by_title"),)
        retired = ("one_per_order", "never_there")

    await listings(database, stream)
    renamed = Renamed(database, publishers(stream))

    for _ in range(2):
        await renamed.prepare()
        found = await renamed.documents._driver.index_information()
        assert {"by_title", "outbox_pending"} <= set(found)
        assert "one_per_order" not in found
