"""What bringing an owner's records forward counts over its pages, what it leaves, and what it tells."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from common.base.ids import new_id
from common.persistence import roll_forward
from common.persistence.mongo import Database, Document
from common.persistence.rebuild import Report
from common.persistence.roll_forward import RolledForward, RollForward, Unfinished, summary
from common.testing.events import publish
from common.testing.fake_stream import FakeStream
from tests.builders import Listing, Listings, listings
from tests.persistence.test_roll_forward import TITLES, changed, created, document, restore, run, stored


@pytest.fixture
async def repo(database: Database, stream: FakeStream) -> Listings:
    return await listings(database, stream)


async def test_records_of_all_pages_are_counted_and_those_that_are_left_are_named(
    stream: FakeStream, repo: Listings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roll_forward, "PAGE", 2)
    for record in "abcdefgh":
        await publish(stream, created(record), changed(record, 1))
    await publish(stream, *(changed(record, 2, "unknown") for record in "gh"), changed("f", 3))
    older = [document(record, 0) for record in "adh"]
    await repo.documents.insert_many([*older, document("b", 5, 5), document("e", 6, 6), document("c", 1)])

    report = await run(stream, repo)

    assert (report.known, report.forward, report.missing, report.beyond) == (8, 2, 1, 2)
    assert (report.gaps, report.left) == (1, ["h", "g"])
    assert {one["_id"]: one["version"] for one in await stored(repo)} == {
        **{"a": 1, "b": 5, "c": 1, "d": 1, "e": 6, "f": 1},
        "h": 0,
    }


async def test_a_record_that_changes_under_its_hands_is_left_as_it_is_and_named(
    stream: FakeStream, repo: Listings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a process of the service was not stopped."""
    await publish(stream, created("a"), changed("a", 1))
    await repo.documents.insert_one(document("a", 0))
    forward = RollForward(stream, repo, TITLES, restore)
    update_one = repo.documents.update_one

    async def overtaken(*arguments: Any) -> bool:
        await update_one({"_id": "a"}, {"$set": {"version": 7}})
        return await update_one(*arguments)

    monkeypatch.setattr(forward._stored, "update_one", overtaken)
    report = await forward.run()

    assert report.left == ["a"]
    assert [one["version"] for one in await stored(repo)] == [7]


async def test_what_is_restored_is_made_with_the_documents_that_are_there(
    stream: FakeStream, repo: Listings
) -> None:
    there, gone = new_id(), new_id()
    await publish(stream, *(created(record) for record in (there, gone)), changed(there, 1))
    await repo.documents.insert_one(document(there, 0))
    known: list[list[str]] = []

    async def restored(records: Sequence[Document], documents: Mapping[str, Document]) -> Sequence[Listing]:
        known.append([documents[record["_id"]]["title"] for record in records if record["_id"] in documents])
        return await restore(records, documents)

    await RollForward(stream, repo, TITLES, restored).run()

    assert known == [["v0"], []]
    assert {one["_id"]: one["version"] for one in await stored(repo)} == {there: 1, gone: 0}


def test_the_report_is_text_for_the_operator() -> None:
    report = RolledForward("tickets", known=9, forward=1, missing=2, beyond=3, gaps=4)
    lines = [
        "tickets    9 in the stream",
        "forward    1 brought to their last published version, 2 put back",
        "beyond     3 with changes that the stream lacks and the outbox publishes",
        "gaps       4 with a version that is missing in the stream: restored up to it",
    ]
    assert str(report).splitlines() == lines

    report.left = [f"r{number}" for number in range(25)]
    named = ", ".join(f"r{number}" for number in range(20))
    assert str(report).splitlines() == [*lines, f"LEFT       25: {named}"]


def test_the_summary_has_every_part_on_lines_of_its_own() -> None:
    own, replicas = RolledForward("tickets"), Report()

    assert summary(own, replicas, "files: 3").splitlines() == [
        *(*str(own).splitlines(), "replicas:", *str(replicas).splitlines(), "files: 3")
    ]


@pytest.mark.parametrize("kind", ["blocked", "left unsettled"])
def test_a_replica_with_a_record_that_is_not_right_is_no_success(kind: str) -> None:
    replicas = Report()
    replicas.mended[kind] += 1

    with pytest.raises(Unfinished, match=f"1 {kind}"):
        summary(RolledForward("tickets"), replicas)
