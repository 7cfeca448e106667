"""A replica that was lost or went wrong is mended from the stream, in memory and on the real servers."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.base import times
from common.base.ids import new_id
from common.base.money import Money
from common.contract.events import TicketCreated, TicketUpdated
from common.messaging.listener import Listener
from common.messaging.stream import Stream
from common.persistence import rebuild, replay
from common.persistence.mongo import ASCENDING, Database, Document
from common.persistence.rebuild import NothingKnown, Rebuild, Report
from common.persistence.replay import CannotRepair, Projection
from common.persistence.replica import Replica
from common.testing.events import publish
from common.testing.fake_stream import FakeStream
from common.testing.memory import memory_database
from tests.builders import a_change, consuming

Event = TicketCreated | TicketUpdated


def fields(event: Event) -> Mapping[str, Any]:
    if isinstance(event, TicketCreated):
        return {"title": event.title, "user_id": event.user_id}
    return {"title": event.title}


TITLES = Projection((TicketCreated, TicketUpdated), fields)


class Created(Listener[TicketCreated]):
    queue_group = "tests"

    def __init__(self, database: Database) -> None:
        self._replica = Replica(database["tickets"])

    async def on_message(self, event: TicketCreated) -> None:
        await self._replica.apply(event.id, event.version, fields(event))


class Updated(Listener[TicketUpdated]):
    queue_group = "tests"

    def __init__(self, database: Database) -> None:
        self._replica = Replica(database["tickets"])

    async def on_message(self, event: TicketUpdated) -> None:
        await self._replica.apply(event.id, event.version, fields(event))


def created(ticket_id: str, title: str = "v0") -> TicketCreated:
    return TicketCreated(id=ticket_id, version=0, title=title, price=Money(100), user_id="seller")


def changed(ticket_id: str, version: int) -> TicketUpdated:
    return a_change(ticket_id, version, f"v{version}")


def right(ticket_id: str, version: int) -> Document:
    return {"_id": ticket_id, "version": version, "user_id": "seller", "title": f"v{version}"}


async def rebuilt(stream: Stream, database: Database, projection: Projection = TITLES) -> Report:
    return await Rebuild(stream, database["tickets"], projection).run()


async def replica(database: Database) -> list[Document]:
    return await database["tickets"].find({}, sort=[("_id", ASCENDING)])


async def history(stream: Stream) -> list[Document]:
    """Three tickets at versions 0, 1 and 2; what the replica of them is."""
    for ticket_id, last in (("a", 0), ("b", 1), ("c", 2)):
        await publish(stream, created(ticket_id), *(changed(ticket_id, n) for n in range(1, last + 1)))
    return [right("a", 0), right("b", 1), right("c", 2)]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuild, "DOUBT_SECONDS", 0.001)


async def test_a_replica_that_was_deleted_is_there_again(stream: FakeStream, database: Database) -> None:
    expected = await history(stream)

    report = await rebuilt(stream, database)

    assert await replica(database) == expected
    assert (report.events, report.records, report.gaps) == (6, 3, 0)
    assert report.mended == Counter(missing=3)


async def test_a_replica_that_is_right_is_not_written(
    stream: FakeStream, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = await history(stream)
    await database["tickets"].insert_many(expected)

    async def refuse(*_args: object) -> None:
        raise AssertionError("written")

    runs = Rebuild(stream, database["tickets"], TITLES)
    monkeypatch.setattr(runs._live, "replace_one", refuse)
    monkeypatch.setattr(runs._live, "delete_one", refuse)
    report = await runs.run()

    assert await replica(database) == expected
    assert report.mended == Counter()


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (None, "missing"),
        (right("c", 0), "behind"),
        (right("c", 2) | {"title": "wrong"}, "wrong"),
        (right("c", 2) | {"left over": True}, "wrong"),
        ({"_id": "c", "version": 2}, "wrong"),
        (right("c", 9), "ahead"),
    ],
)
async def test_what_is_wrong_is_mended(
    stream: FakeStream, database: Database, wrong: Document | None, kind: str
) -> None:
    a, b, c = await history(stream)
    await database["tickets"].insert_many([a, b, *([wrong] if wrong else [])])

    report = await rebuilt(stream, database)

    assert await replica(database) == [a, b, c]
    assert report.mended == Counter({kind: 1})


async def test_what_the_stream_does_not_know_is_deleted(stream: FakeStream, database: Database) -> None:
    expected = await history(stream)
    await database["tickets"].insert_many([*expected, right("z", 3)])

    report = await rebuilt(stream, database)

    assert await replica(database) == expected
    assert report.mended == Counter({"unknown to the stream": 1})


async def test_a_stream_that_knows_nothing_deletes_nothing(stream: FakeStream, database: Database) -> None:
    await database["tickets"].insert_one(right("a", 0))

    with pytest.raises(NothingKnown):
        await rebuilt(stream, database)

    assert await replica(database) == [right("a", 0)]


async def test_nothing_is_built_from_nothing(stream: FakeStream, database: Database) -> None:
    assert (await rebuilt(stream, database)).records == 0


async def test_events_that_came_twice_or_out_of_order_are_applied_once_in_order(
    stream: FakeStream, database: Database
) -> None:
    await publish(stream, changed("a", 2), created("a"), created("a"), changed("a", 1), changed("a", 1))
    await publish(stream, changed("a", 3), changed("a", 1), created("a"))

    report = await rebuilt(stream, database)

    assert await replica(database) == [right("a", 3)]
    assert report.gaps == 0


async def test_a_gap_in_the_stream_ends_the_record_before_it_and_is_told(
    stream: FakeStream, database: Database
) -> None:
    await publish(stream, created("a"), changed("a", 1), changed("a", 3), created("b"))

    report = await rebuilt(stream, database)

    assert await replica(database) == [right("a", 1), right("b", 0)]
    assert (report.gaps, report.records) == (1, 2)


async def test_an_unreadable_event_is_told_and_takes_nothing_away(
    stream: FakeStream, database: Database
) -> None:
    await publish(stream, created("a"))
    await stream.publish("ticket.updated.a", b"{", {})
    await publish(stream, changed("a", 2))
    await stream.publish("ticket.created.b", b"{", {})
    await publish(stream, changed("b", 1))
    await database["tickets"].insert_many([right("a", 2), right("b", 1)])

    report = await rebuilt(stream, database)

    assert await replica(database) == [right("a", 2), right("b", 1)]
    assert (report.unreadable, report.gaps, report.mended) == (2, 2, Counter())


async def test_a_gap_far_from_its_end_keeps_no_more_than_a_bounded_number_of_versions(
    stream: FakeStream, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "AHEAD_LIMIT", 2)
    await publish(stream, created("a"), *(changed("a", n) for n in range(2, 9)), changed("a", 1))

    report = await rebuilt(stream, database)

    assert await replica(database) == [right("a", 3)]
    assert report.gaps == 0


async def test_more_records_than_a_page_are_all_mended(
    stream: FakeStream, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "PAGE", 7)
    ids = sorted(new_id() for _ in range(60))
    await publish(stream, *(created(found) for found in ids), *(changed(found, 1) for found in ids[::2]))
    await database["tickets"].insert_many(
        [*(right(found, 0) for found in ids[::3]), *(right(new_id(), 0) for _ in range(20))]
    )

    await rebuilt(stream, database)

    assert await replica(database) == [right(found, 1 - n % 2) for n, found in enumerate(ids)]


async def test_what_the_consumer_applies_between_looking_and_writing_wins(
    stream: FakeStream, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish(stream, created("a"), changed("a", 1))
    await database["tickets"].insert_one(right("a", 0) | {"title": "wrong"})
    runs = Rebuild(stream, database["tickets"], TITLES)
    replace = runs._live.replace_one
    overtaken = itertools.count()

    async def overtake(guard: Document, document: Document) -> Any:
        if next(overtaken) == 0:
            live = Replica(database["tickets"])
            await live.apply("a", 1, {"title": "v1"})
            await publish(stream, changed("a", 2))
            await live.apply("a", 2, {"title": "v2"})
        return await replace(guard, document)

    monkeypatch.setattr(runs._live, "replace_one", overtake)
    await runs.run()

    assert await replica(database) == [right("a", 2)]


async def test_a_record_that_is_created_meanwhile_is_not_taken_for_unknown(
    stream: FakeStream, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the consumer has applied by the time of looking is in the stream that is read next."""
    expected = await history(stream)
    find = replay.by_id

    async def meanwhile(collection: Any, ids: Sequence[str]) -> dict[str, Document]:
        if collection.name == "tickets" and await database["tickets"].find_one({"_id": "bb"}) is None:
            await publish(stream, created("bb"))
            await database["tickets"].insert_one(right("bb", 0))
        return await find(collection, ids)

    monkeypatch.setattr(rebuild, "by_id", meanwhile)
    report = await rebuilt(stream, database)

    assert await replica(database) == [*expected[:2], right("bb", 0), expected[2]]
    assert "unknown to the stream" not in report.mended


async def test_a_broker_that_is_a_moment_behind_makes_nothing_be_taken_back(
    stream: FakeStream, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await history(stream)
    late = [created("bb"), changed("c", 3)]
    await database["tickets"].insert_many([right("a", 0), right("b", 1), right("bb", 0), right("c", 3)])
    asleep = itertools.count()
    sleep = asyncio.sleep

    async def pause(seconds: float) -> None:
        if next(asleep) == 1:
            await publish(stream, *late)
        await sleep(seconds)

    monkeypatch.setattr("common.persistence.rebuild.asyncio.sleep", pause)
    report = await rebuilt(stream, database)

    assert report.mended == Counter()
    assert [found["version"] for found in await replica(database)] == [0, 1, 0, 3]


async def test_it_ends_although_something_is_created_all_the_time(
    stream: FakeStream, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "PAGE", 2)
    await history(stream)
    settle = Rebuild._settle

    async def meanwhile(self: Rebuild, ids: Sequence[str]) -> None:
        await publish(stream, created(f"later {new_id()}"))
        await settle(self, ids)

    monkeypatch.setattr(Rebuild, "_settle", meanwhile)

    await asyncio.wait_for(rebuilt(stream, database), 5)


async def test_no_scratch_is_left_behind_and_that_of_another_run_is_let_be(
    stream: FakeStream, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await history(stream)
    old = f"{int((times.now() - timedelta(days=2)).timestamp()):08x}{0:016x}"
    left, running = f"tickets.rebuilding.{old}", f"tickets.rebuilding.{new_id()}"
    for name in (left, running, "tickets.rebuilding.notes"):
        await database[name].insert_one({"_id": "x"})

    await rebuilt(stream, database)
    assert set(await database.list_collection_names()) == {"tickets", running, "tickets.rebuilding.notes"}

    async def fail(_self: object, _ids: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Rebuild, "_settle", fail)
    with pytest.raises(ZeroDivisionError):
        await rebuilt(stream, database)
    assert set(await database.list_collection_names()) == {"tickets", running, "tickets.rebuilding.notes"}


async def test_an_effect_is_made_good_before_its_version_is_noted(
    stream: FakeStream, database: Database
) -> None:
    await history(stream)
    noted: list[tuple[str, int, list[str]]] = []

    async def repair_effect(record: Document) -> bool:
        there = [found["_id"] for found in await replica(database)]
        first = not any(done[0] == record["_id"] for done in noted)
        noted.append((record["_id"], record["version"], there))
        return first

    projection = progress(repair_effect)
    report = await rebuilt(stream, database, projection)

    assert all(record not in there for record, _, there in noted[:3])
    assert await replica(database) == [{"_id": found, "version": n} for n, found in enumerate("abc")]
    assert report.mended == Counter({"missing": 3, "effects made good": 3})


async def test_an_effect_that_stays_blocked_is_told_and_its_version_is_not_noted(
    stream: FakeStream, database: Database
) -> None:
    await history(stream)

    async def repair_effect(record: Document) -> bool:
        if record["_id"] == "b":
            raise CannotRepair("held by another")
        return False

    report = await rebuilt(stream, database, progress(repair_effect))

    assert [found["_id"] for found in await replica(database)] == ["a", "c"]
    assert report.mended == Counter(missing=2, blocked=1)


async def test_an_effect_that_is_overtaken_is_followed_by_the_right_one(
    stream: FakeStream, database: Database
) -> None:
    """The record changes just as the effect of its version before is made good: the new one is, too."""
    await publish(stream, created("a"))
    effect = "none"

    async def repair_effect(record: Document) -> bool:
        nonlocal effect
        if effect == record["title"]:
            return False
        if record["version"] == 0:
            await publish(stream, changed("a", 1))
        effect = record["title"]
        return True

    await rebuilt(stream, database, progress(repair_effect))

    assert effect == "v1"
    assert await replica(database) == [{"_id": "a", "version": 1}]


def progress(repair_effect: Callable[[Document], Awaitable[bool]]) -> Projection:
    def kept(record: Document) -> Document:
        return {"_id": record["_id"], "version": record["version"]}

    return Projection((TicketCreated, TicketUpdated), fields, kept, repair_effect)


arrivals = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5)), max_size=30)
documents = st.dictionaries(
    st.sampled_from("abcz"), st.tuples(st.integers(0, 6), st.sampled_from(["v0", "v3", "wrong"])), max_size=4
)


@given(arrivals, documents)
@settings(max_examples=60, deadline=None)
def test_whatever_the_replica_was_it_ends_as_one_run_over_the_events(
    arrived: list[tuple[str, int]], before: dict[str, tuple[int, str]]
) -> None:
    async def example() -> None:
        stream = FakeStream()
        database = memory_database()
        versions: dict[str, set[int]] = {}
        for ticket_id, version in [("a", 0), *arrived]:
            await publish(stream, changed(ticket_id, version) if version else created(ticket_id))
            versions.setdefault(ticket_id, set()).add(version)
        for ticket_id, (version, title) in before.items():
            await database["tickets"].insert_one(right(ticket_id, version) | {"title": title})

        await rebuilt(stream, database)

        found = {document["_id"]: document for document in await replica(database)}
        assert "z" not in found
        for ticket_id, known in versions.items():
            reached = next(n for n in itertools.count() if n not in known) - 1
            if reached == max(known):
                assert found[ticket_id] == right(ticket_id, reached)

    with pytest.MonkeyPatch.context() as quick:
        quick.setattr(rebuild, "DOUBT_SECONDS", 0)
        asyncio.run(example())


@pytest.mark.connected
async def test_while_traffic_goes_on_a_ruined_replica_ends_as_its_owner_has_it(
    real_stream: Stream, real_database: Database
) -> None:
    """2,000 tickets; half their copies gone, a quarter wrong; 2,000 further events while it is mended."""
    ids = [new_id() for _ in range(2_000)]
    live = real_database["tickets"]
    async with consuming(real_stream, Created(real_database), Updated(real_database)):
        await gather_in_tens(*(publish(real_stream, created(found)) for found in ids))
        await settled(real_database, dict.fromkeys(ids, 0))
        await live.delete_many({"_id": {"$in": ids[::2]}})
        await live.update_many({"_id": {"$in": ids[1::4]}}, {"$set": {"user_id": "wrong"}})
        await live.insert_many([right(new_id(), 1) for _ in range(10)])
        expected = dict.fromkeys(ids, 0)

        async def traffic() -> None:
            for n in itertools.count():
                if n >= 2_000 and rebuilding.done():
                    return
                ticket_id = ids[n * 7 % 1_000]
                expected[ticket_id] += 1
                await publish(real_stream, changed(ticket_id, expected[ticket_id]))
                if n % 5 == 0:
                    expected[new := new_id()] = 0
                    await publish(real_stream, created(new))

        rebuilding = asyncio.create_task(rebuilt(real_stream, real_database))
        await traffic()
        report = await rebuilding

        await settled(real_database, expected)
    assert report.mended["unknown to the stream"] == 10
    assert report.mended["missing"] >= 900
    assert await real_database.list_collection_names() == ["tickets"]


async def gather_in_tens(*publications: Awaitable[None]) -> None:
    for start in range(0, len(publications), 10):
        await asyncio.gather(*publications[start : start + 10])


async def settled(database: Database, expected: Mapping[str, int]) -> None:
    wanted = [right(ticket_id, version) for ticket_id, version in sorted(expected.items())]
    async with asyncio.timeout(30):
        while await replica(database) != wanted:
            await asyncio.sleep(0.1)
