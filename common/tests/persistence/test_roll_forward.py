"""Records of a restored database are brought forward to their last published versions."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from common.base.money import Money
from common.contract.events import TicketCreated, TicketUpdated
from common.persistence import roll_forward
from common.persistence.mongo import ASCENDING, Database, Document
from common.persistence.rebuild import Report
from common.persistence.replay import Projection
from common.persistence.roll_forward import RolledForward, RollForward, Unfinished, summary
from common.testing.events import publish
from common.testing.fake_stream import FakeStream
from tests.builders import Listing, Listings, a_change, listings


def fields(event: TicketCreated | TicketUpdated) -> Mapping[str, Any]:
    return {"title": event.title}


TITLES = Projection((TicketCreated, TicketUpdated), fields)


async def restore(records: Sequence[Document], _stored: Mapping[str, Document]) -> Sequence[Listing]:
    """A title such as "Concert of o" says that order o has the listing; "unknown" can't be made."""
    return [
        Listing(
            id=record["_id"],
            version=record["version"],
            title=record["title"],
            order_id=record["title"].partition(" of ")[2] or None,
        )
        for record in records
        if record["title"] != "unknown"
    ]


@pytest.fixture
async def repo(database: Database, stream: FakeStream) -> Listings:
    return await listings(database, stream)


async def run(stream: FakeStream, repo: Listings) -> RolledForward:
    return await RollForward(stream, repo, TITLES, restore).run()


def created(record_id: str, title: str = "v0") -> TicketCreated:
    return TicketCreated(id=record_id, version=0, title=title, price=Money(100), user_id="u")


def changed(record_id: str, version: int, title: str = "") -> TicketUpdated:
    return a_change(record_id, version, title or f"v{version}")


def document(record_id: str, version: int, *waiting: int, **more: object) -> Document:
    outbox = [{"id": f"ticket.updated:{record_id}:{entry}"} for entry in waiting]
    return {"_id": record_id, "version": version, "title": f"v{version}", **more, "outbox": outbox}


async def stored(repo: Listings) -> list[Document]:
    return await repo.documents.find({}, sort=[("_id", ASCENDING)])


async def test_an_older_record_and_a_missing_one_are_as_they_were_last_published(
    stream: FakeStream, repo: Listings
) -> None:
    await publish(stream, created("a"), created("b"), changed("a", 1), changed("a", 2), changed("b", 1))
    await repo.documents.insert_one(document("a", 0))

    report = await run(stream, repo)

    assert await stored(repo) == [document("a", 2), document("b", 1)]
    assert (report.known, report.forward, report.missing, report.left) == (2, 1, 1, [])


async def test_the_next_change_has_a_version_that_no_consumer_knows(
    stream: FakeStream, repo: Listings
) -> None:
    await publish(stream, created("a"), changed("a", 1))
    await repo.documents.insert_one(document("a", 0))

    await run(stream, repo)
    listing = await repo.get("a")
    listing.change("later")
    await repo.save(listing)
    await repo.relay.drained()

    assert [message.headers["ce-id"] for message in stream.messages] == [
        *("ticket.created:a:0", "ticket.updated:a:1", "ticket.updated:a:2")
    ]


async def test_an_event_of_the_backup_that_was_published_since_leaves_the_outbox(
    stream: FakeStream, repo: Listings
) -> None:
    await publish(stream, created("a"), changed("a", 1), changed("a", 2))
    await repo.documents.insert_one(document("a", 1, 0, 1))

    await run(stream, repo)

    assert await stored(repo) == [document("a", 2)]


async def test_a_change_of_the_backup_that_the_stream_lacks_stays_with_its_event(
    stream: FakeStream, repo: Listings
) -> None:
    await publish(stream, created("a"))
    await repo.documents.insert_many([document("a", 1, 1), document("b", 0, 0)])

    report = await run(stream, repo)

    assert await stored(repo) == [document("a", 1, 1), document("b", 0, 0)]
    assert (report.forward, report.missing, report.beyond) == (0, 0, 1)


async def test_a_second_run_changes_nothing(stream: FakeStream, repo: Listings) -> None:
    await publish(stream, created("a"), changed("a", 1), created("b"))
    await repo.documents.insert_one(document("a", 0))
    await run(stream, repo)
    before = await stored(repo)

    report = await run(stream, repo)

    assert await stored(repo) == before
    assert (report.forward, report.missing) == (0, 0)


async def test_a_run_that_was_broken_off_is_run_again(
    stream: FakeStream, repo: Listings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roll_forward, "PAGE", 1)
    for record in "abcd":
        await publish(stream, created(record), changed(record, 1))
    await repo.documents.insert_many([document("a", 0), document("b", 0)])

    async def broken(records: Sequence[Document], known: Mapping[str, Document]) -> Sequence[Listing]:
        if records[0]["_id"] in ("b", "d"):
            raise ZeroDivisionError
        return await restore(records, known)

    with pytest.raises(ZeroDivisionError):
        await RollForward(stream, repo, TITLES, broken).run()
    assert await repo.documents.database.list_collection_names() == ["listings"]

    await run(stream, repo)

    assert await stored(repo) == [document(record, 1) for record in "abcd"]


async def test_a_unique_key_that_one_gave_up_is_free_for_its_successor(
    stream: FakeStream, repo: Listings
) -> None:
    await repo.documents.insert_one(document("z", 0) | {"title": "Concert of o", "order_id": "o"})
    await publish(stream, created("z", "Concert of o"), changed("z", 1), created("a", "Concert of o"))

    report = await run(stream, repo)

    assert [(one["_id"], one.get("order_id")) for one in await stored(repo)] == [("a", "o"), ("z", None)]
    assert report.left == []


async def test_a_field_of_a_newer_release_stays(stream: FakeStream, repo: Listings) -> None:
    await publish(stream, created("a"), changed("a", 1))
    await repo.documents.insert_one(document("a", 0, newer="x"))

    await run(stream, repo)

    assert await stored(repo) == [document("a", 1, newer="x")]


async def test_a_record_is_restored_up_to_a_version_that_the_stream_lacks(
    stream: FakeStream, repo: Listings
) -> None:
    await publish(stream, created("a"), changed("a", 1), changed("a", 3))

    report = await run(stream, repo)

    assert await stored(repo) == [document("a", 1)]
    assert report.gaps == 1


async def test_what_can_not_be_restored_is_named(stream: FakeStream, repo: Listings) -> None:
    await publish(stream, created("a", "unknown"), created("b", "Concert of o"), created("c"))
    await repo.documents.insert_one(document("taken", 0, 0, order_id="o"))

    report = await run(stream, repo)

    assert report.left == ["a", "b"]
    with pytest.raises(Unfinished, match=r"LEFT +2: a, b"):
        summary(report, Report())


async def test_an_effect_that_stays_blocked_is_no_success() -> None:
    replicas = Report()
    replicas.mended["blocked"] += 1
    with pytest.raises(Unfinished, match="1 blocked"):
        summary(RolledForward("tickets"), replicas)
