"""What comes while a flush is under way shares the next one."""

import asyncio
from collections.abc import Sequence

import pytest

from common.persistence import coalescer
from common.persistence.batching import DocumentReader
from common.persistence.coalescer import IN_FLIGHT, Coalescer
from common.persistence.mongo import Database
from tests.builders import until


class Flushes:
    """Doubles numbers; a negative one fails alone, a flush with 99 fails as a whole."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.batches: list[list[int]] = []

    async def __call__(self, items: Sequence[int]) -> Sequence[int | Exception]:
        self.batches.append(list(items))
        await self.gate.wait()
        if 99 in items:
            raise ConnectionError("all of it")
        return [ValueError(item) if item < 0 else item * 2 for item in items]


async def test_an_item_at_rest_waits_for_nobody() -> None:
    flushes = Flushes()
    items = Coalescer(flushes)

    assert [await items.submit(number) for number in (1, 2)] == [2, 4]
    assert flushes.batches == [[1], [2]]


async def test_what_comes_during_a_flush_shares_the_next() -> None:
    flushes = Flushes()
    flushes.gate.clear()
    items = Coalescer(flushes)
    first = items.enqueue(1)
    await asyncio.sleep(0)
    later = [items.enqueue(number) for number in (2, 3, 4)]

    flushes.gate.set()

    assert await asyncio.gather(first, *later) == [2, 4, 6, 8]
    assert flushes.batches == [[1], [2, 3, 4]]


async def test_a_flush_has_its_limit() -> None:
    flushes = Flushes()
    items = Coalescer(flushes, limit=3)

    assert await asyncio.gather(*(items.submit(n) for n in range(7))) == [n * 2 for n in range(7)]
    assert flushes.batches == [[0, 1, 2], [3, 4, 5], [6]]


async def test_a_flush_that_gathers_waits_for_company() -> None:
    flushes = Flushes()
    items = Coalescer(flushes, gather=0.05)
    first = items.enqueue(1)
    await asyncio.sleep(0.005)

    second = items.enqueue(2)

    assert [await first, await second] == [2, 4]
    assert flushes.batches == [[1, 2]]


async def test_an_item_that_fails_fails_alone() -> None:
    items = Coalescer(Flushes())

    outcomes = await asyncio.gather(*(items.submit(n) for n in (1, -1, 2)), return_exceptions=True)

    assert outcomes[0] == 2
    assert isinstance(outcomes[1], ValueError)
    assert outcomes[2] == 4


async def test_a_flush_that_fails_fails_for_all_its_items_and_for_no_later_one() -> None:
    items = Coalescer(Flushes())

    outcomes = await asyncio.gather(*(items.submit(n) for n in (1, 99)), return_exceptions=True)

    assert all(isinstance(outcome, ConnectionError) for outcome in outcomes)
    assert await items.submit(3) == 6


@pytest.mark.parametrize("cancelled", [0, 1, 2])
async def test_a_waiter_that_is_cancelled_breaks_no_other(cancelled: int) -> None:
    flushes = Flushes()
    flushes.gate.clear()
    items = Coalescer(flushes)
    waiters = [asyncio.create_task(items.submit(number)) for number in (1, 2, 3)]
    await asyncio.sleep(0)
    waiters[cancelled].cancel()
    await asyncio.sleep(0)

    flushes.gate.set()
    outcomes = await asyncio.gather(*waiters, return_exceptions=True)

    assert isinstance(outcomes.pop(cancelled), asyncio.CancelledError)
    assert outcomes == [n * 2 for n in (1, 2, 3) if n != cancelled + 1]


class Slow:
    """A flush that ends when the test says so, each alone."""

    def __init__(self) -> None:
        self.flushes: list[tuple[list[int], asyncio.Event]] = []

    async def __call__(self, items: Sequence[int]) -> Sequence[int]:
        end = asyncio.Event()
        self.flushes.append((list(items), end))
        await end.wait()
        return list(items)

    @property
    def batches(self) -> list[list[int]]:
        return [items for items, _ in self.flushes]

    async def began(self, batch: list[int]) -> None:
        await until(lambda: batch in self.batches)

    def end(self, place: int) -> None:
        self.flushes[place][1].set()

    def end_all(self) -> None:
        for _, end in self.flushes:
            end.set()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coalescer, "OVERTAKE_SECONDS", 0.001)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coalescer, "OVERTAKE_SECONDS", 3600)


@pytest.mark.usefixtures("impatient")
async def test_a_slow_flush_holds_up_only_its_own_items() -> None:
    slow = Slow()
    items = Coalescer(slow)
    hangs = items.enqueue(0)
    await slow.began([0])

    for number in (1, 2, 3):
        other = items.enqueue(number)
        await slow.began([number])
        slow.end(number)
        assert await asyncio.wait_for(other, 5) == number

    assert not hangs.done()
    slow.end(0)
    assert await hangs == 0
    await asyncio.wait_for(items.drained(), 5)


@pytest.mark.usefixtures("impatient")
async def test_so_many_flushes_are_in_flight_and_what_comes_then_shares_the_next() -> None:
    slow = Slow()
    items = Coalescer(slow)
    waiting = []
    for number in range(IN_FLIGHT):
        waiting.append(items.enqueue(number))
        await slow.began([number])
    later = [items.enqueue(number) for number in (7, 8, 9)]
    # The timers that were set before this sleep's are due before it.
    await asyncio.sleep(coalescer.OVERTAKE_SECONDS)
    assert slow.batches == [[number] for number in range(IN_FLIGHT)]

    slow.end(2)
    assert await waiting[2] == 2
    await slow.began([7, 8, 9])
    slow.end_all()

    assert await asyncio.gather(*waiting, *later) == [*range(IN_FLIGHT), 7, 8, 9]
    again = items.enqueue(10)
    await slow.began([10])
    slow.end_all()
    assert await again == 10
    await asyncio.wait_for(items.drained(), 5)


@pytest.mark.usefixtures("patient")
async def test_a_flush_that_is_not_slow_is_not_overtaken() -> None:
    slow = Slow()
    items = Coalescer(slow)
    first = items.enqueue(0)
    await slow.began([0])
    later = [items.enqueue(number) for number in (1, 2)]
    await asyncio.sleep(0)
    assert slow.batches == [[0]]

    slow.end(0)
    await slow.began([1, 2])
    slow.end_all()

    assert await asyncio.gather(first, *later) == [0, 1, 2]


async def test_drained_waits_for_every_flush() -> None:
    flushes = Flushes()
    items = Coalescer(flushes, limit=1)
    futures = [items.enqueue(number) for number in (1, 2, 3)]

    await items.drained()

    assert all(future.done() for future in futures)


DATABASES = ["database", pytest.param("real_database", marks=pytest.mark.connected)]


@pytest.fixture(params=DATABASES)
def either_database(request: pytest.FixtureRequest) -> Database:
    database: Database = request.getfixturevalue(request.param)
    return database


async def test_a_read_sees_every_write_that_was_acknowledged_before_it(either_database: Database) -> None:
    collection = either_database["things"]
    reader = DocumentReader(collection)
    await collection.insert_many([{"_id": str(n), "count": 0} for n in range(5)])

    async def count_up(key: str) -> None:
        for count in range(1, 16):
            await collection.update_one({"_id": key}, {"$set": {"count": count}})
            found = await reader.find(key)
            assert found == {"_id": key, "count": count}

    await asyncio.gather(*(count_up(str(n)) for n in range(5)))


async def test_reads_at_once_find_each_its_own(either_database: Database) -> None:
    collection = either_database["things"]
    await collection.insert_many([{"_id": str(n), "secret": n} for n in range(3)])
    reader = DocumentReader(collection, {"secret": 0})

    found = await asyncio.gather(*(reader.find(key) for key in ("0", "2", "absent", "0")))

    assert found == [{"_id": "0"}, {"_id": "2"}, None, {"_id": "0"}]
