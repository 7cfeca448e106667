"""How often a rebuild looks at a record before it changes or leaves it, and what it reports of that."""

import asyncio
import itertools
import re
from collections import Counter, defaultdict
from typing import Any

import pytest

from common.persistence import rebuild
from common.persistence.mongo import Collection, Database, Document
from common.persistence.rebuild import NothingKnown, Rebuild, Report
from common.persistence.replay import CannotRepair
from common.testing.events import publish
from common.testing.fake_stream import FakeStream
from tests.persistence.test_rebuild import TITLES, changed, created, progress, rebuilt, replica, right

MANY = "abcdefgh"
"""More records than there are looks at one."""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuild, "DOUBT_SECONDS", 0)


@pytest.mark.parametrize("late", ["the creations", "the changes"])
async def test_a_broker_that_is_a_moment_behind_with_many_records_makes_none_be_taken_back(
    stream: FakeStream, database: Database, monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    """Each is looked at again and again, however many others are in doubt."""
    creations = [created(record) for record in ("other", *MANY)]
    changes = [changed(record, 1) for record in MANY]
    first, rest = (creations[:1], creations[1:]) if late == "the creations" else (creations, changes)
    await publish(stream, *first)
    version = 0 if late == "the creations" else 1
    live = [right("other", 0), *(right(record, version) for record in MANY)]
    await database["tickets"].insert_many(live)
    looks, sleep = itertools.count(1), asyncio.sleep

    async def pause(seconds: float) -> None:
        if next(looks) == rebuild.DOUBTS - 1:
            await publish(stream, *rest)
        await sleep(seconds)

    monkeypatch.setattr("common.persistence.rebuild.asyncio.sleep", pause)
    report = await rebuilt(stream, database)

    assert report.mended == Counter()
    assert len(await replica(database)) == len(live)


async def test_an_effect_that_is_blocked_for_a_moment_is_made_good(
    stream: FakeStream, database: Database
) -> None:
    await publish(stream, *(created(record) for record in MANY))
    tries: Counter[str] = Counter()

    async def repair_effect(record: Document) -> bool:
        tries[record["_id"]] += 1
        if tries[record["_id"]] < rebuild.DOUBTS:
            raise CannotRepair("held by another")
        return tries[record["_id"]] == rebuild.DOUBTS

    report = await rebuilt(stream, database, progress(repair_effect))

    assert report.mended == Counter({"missing": len(MANY), "effects made good": len(MANY)})


async def test_a_record_that_is_in_motion_at_every_look_is_left_and_counted(
    stream: FakeStream, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "PAGE", 1)
    await publish(stream, created("a"), created("b"), created("c"))
    looks: dict[str, int] = defaultdict(int)

    async def repair_effect(record: Document) -> bool:
        record_id: str = record["_id"]
        looks[record_id] += 1
        return record_id != "b"

    report = await rebuilt(stream, database, progress(repair_effect))

    assert report.mended["left unsettled"] == 2
    assert looks == {"a": rebuild.ROUNDS, "b": 1, "c": rebuild.ROUNDS}


@pytest.mark.parametrize("there", [True, False])
async def test_a_record_that_another_process_wrote_first_is_compared_again(
    stream: FakeStream, database: Database, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    await publish(stream, created("a"), changed("a", 1))
    wrong = right("a", 1) | {"user_id": "wrong"}
    if there:
        await database["tickets"].insert_one(right("a", 0))
    runs = Rebuild(stream, database["tickets"], TITLES)
    method = "replace_one" if there else "insert_one"
    write = getattr(runs._live, method)
    overtaken = itertools.count()

    async def overtake(*arguments: Any) -> Any:
        if next(overtaken) == 0:
            await database["tickets"].delete_many({})
            await database["tickets"].insert_one(wrong)
        return await write(*arguments)

    monkeypatch.setattr(runs._live, method, overtake)
    report = await runs.run()

    assert await replica(database) == [right("a", 1)]
    assert report.mended == Counter(wrong=1)


async def test_a_wrong_record_is_mended_also_where_a_later_version_is_missing_in_the_stream(
    stream: FakeStream, database: Database
) -> None:
    await publish(stream, created("a"), changed("a", 1), changed("a", 3))
    await database["tickets"].insert_one(right("a", 1) | {"title": "wrong"})

    await rebuilt(stream, database)

    assert await replica(database) == [right("a", 1)]


async def test_records_of_each_kind_are_counted(stream: FakeStream, database: Database) -> None:
    for record in "abcdef":
        await publish(stream, created(record), changed(record, 1))
    live = [*(right(record, 0) for record in "ab"), *(right(record, 1) for record in "cdyz")]
    await database["tickets"].insert_many(live)

    async def repair_effect(record: Document) -> bool:
        if record["_id"] in "ef":
            raise CannotRepair("held by another")
        return False

    report = await rebuilt(stream, database, progress(repair_effect))

    assert report.mended == {"behind": 2, "wrong": 2, "unknown to the stream": 2, "blocked": 2}


async def test_no_more_than_a_page_of_the_replica_is_in_memory(
    stream: FakeStream, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "PAGE", 3)
    await publish(stream, *(created(record) for record in MANY))
    await database["tickets"].insert_many([right(record, 0) for record in MANY])
    find, most = Collection.find, 0

    async def measured(self: Collection, *arguments: Any, **named: Any) -> list[Document]:
        nonlocal most
        found = await find(self, *arguments, **named)
        if self.name == "tickets":
            most = max(most, len(found))
        return found

    monkeypatch.setattr(Collection, "find", measured)
    await rebuilt(stream, database)

    assert most == 3


async def test_a_stream_of_something_else_is_named(stream: FakeStream, database: Database) -> None:
    await database["tickets"].insert_one(right("a", 0))

    with pytest.raises(NothingKnown, match="the stream knows nothing of tickets"):
        await rebuilt(stream, database)


async def test_a_run_measures_itself(stream: FakeStream, database: Database) -> None:
    await publish(stream, created("a"))

    lines = str(await rebuilt(stream, database)).splitlines()

    assert re.fullmatch(r"seconds    \d\.\d\d, \d+ events/s", lines[-1])


def test_the_report_of_a_run_is_text_for_the_operator() -> None:
    mended = Counter({"missing": 2, "behind": 1})
    report = Report(events=900, unreadable=3, records=40, gaps=2, seconds=0.5, mended=mended)

    assert str(report).splitlines() == [
        "events     900 read, 3 of them unreadable",
        "records    40, 2 of them with a gap in their events",
        "mended     3: 1 behind, 2 missing",
        "seconds    0.50, 1800 events/s",
    ]
    assert str(Report()).splitlines()[2:] == ["mended     0", "seconds    0.00, 0 events/s"]
