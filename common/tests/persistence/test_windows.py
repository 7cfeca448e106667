"""One suite for the database in memory and the real one. Only the real one shows races."""

import asyncio
from datetime import timedelta

import pytest

from common.base import times
from common.persistence.mongo import Database
from common.persistence.windows import Limit, Windows
from common.testing.clock import Clock

HOUR = timedelta(hours=1)
THREE = Limit(3, HOUR)
NOW = times.now()


@pytest.fixture(autouse=True)
def clock(clock: Clock) -> Clock:
    clock.now = NOW
    return clock


@pytest.fixture
async def windows(any_database: Database) -> Windows:
    windows = Windows(any_database, "tries")
    await windows.prepare()
    return windows


async def _take(windows: Windows, times_: int, key: str = "ada", limit: Limit = THREE) -> list[int | None]:
    return [await windows.take(key, limit) for _ in range(times_)]


async def test_events_up_to_the_limit_are_counted_and_the_next_waits_for_the_oldest_to_leave(
    windows: Windows, clock: Clock
) -> None:
    assert await _take(windows, 1) == [None]
    clock.now += HOUR / 2

    assert await _take(windows, 4) == [None, None, 1800, 1800]

    clock.now += HOUR / 2
    assert await _take(windows, 2) == [None, 1800]


async def test_the_wait_is_rounded_up_so_that_it_is_over_after_that_time(
    windows: Windows, clock: Clock
) -> None:
    await _take(windows, 3)
    clock.now += HOUR - timedelta(milliseconds=1200)
    assert await windows.take("ada", THREE) == 2

    clock.now += timedelta(seconds=2)
    assert await windows.take("ada", THREE) is None


async def test_a_refused_event_does_not_make_the_wait_longer(windows: Windows, clock: Clock) -> None:
    await _take(windows, 3)
    clock.now += HOUR / 2
    await _take(windows, 50)
    clock.now += HOUR / 2

    assert await _take(windows, 3) == [None] * 3


async def test_keys_are_counted_apart(windows: Windows) -> None:
    await _take(windows, 3)

    assert await windows.take("bob", THREE) is None


async def test_an_event_given_back_leaves_its_place_to_another(windows: Windows) -> None:
    await _take(windows, 3)
    await windows.give_back("ada")
    await windows.give_back("unknown")

    assert await _take(windows, 2) == [None, 3600]


async def test_the_longest_wait_of_several_keys_counts(windows: Windows, clock: Clock) -> None:
    once = Limit(1, HOUR)
    await windows.add({"ada": once})
    clock.now += HOUR / 4
    await windows.add({"bob": once})

    assert await windows.wait({"ada": once, "bob": once, "new": once}) == 3600
    assert await windows.wait({"ada": once}) == 2700
    assert await windows.wait({"new": once}) == 0


async def test_what_happened_is_counted_beyond_the_limit_and_stored_no_longer_than_it(
    windows: Windows, clock: Clock
) -> None:
    for _ in range(7):
        await windows.add({"ada": THREE})
        clock.now += timedelta(minutes=10)

    (stored,) = await windows.documents.find({})
    assert [len(stored["at"]), set(stored)] == [3, {"_id", "at", "expires_at"}]
    assert stored["expires_at"] == NOW + timedelta(minutes=60) + HOUR
    assert await windows.wait({"ada": THREE}) == 30 * 60


async def test_forgotten_keys_are_free(windows: Windows) -> None:
    await windows.add({key: Limit(1, HOUR) for key in ("ada", "bob", "eve")})
    await windows.forget("ada", "bob", "unknown")

    assert [each["_id"] for each in await windows.documents.find({})] == ["eve"]


async def test_a_count_of_zero_is_no_limit(windows: Windows) -> None:
    assert await _take(windows, 5, limit=Limit(0, HOUR)) == [None] * 5
    await windows.add({"ada": Limit(0, HOUR)})

    assert await windows.wait({"ada": Limit(0, HOUR)}) == 0


@pytest.mark.parametrize("count", [2, 5])
async def test_a_limit_that_was_changed_holds_from_the_next_event_on(windows: Windows, count: int) -> None:
    await _take(windows, 3)
    changed = Limit(count, HOUR)

    taken = await _take(windows, 5, limit=changed)

    assert taken.count(None) == max(0, count - 3)
    assert taken[-1] == 3600


@pytest.mark.connected
async def test_of_many_events_at_once_over_several_processes_as_many_as_the_limit_are_counted(
    real_database: Database,
) -> None:
    replicas = [Windows(real_database, "tries") for _ in range(4)]
    twenty = Limit(20, HOUR)

    taken = await asyncio.gather(*(replicas[n % 4].take(f"key {n % 2}", twenty) for n in range(200)))

    assert taken.count(None) == 40
    assert min(seconds for seconds in taken if seconds is not None) > 1


@pytest.mark.connected
async def test_events_at_the_same_moment_all_count(real_database: Database) -> None:
    windows, limit = Windows(real_database, "tries"), Limit(100, HOUR)
    await asyncio.gather(*(windows.add({"ada": limit}) for _ in range(40)))

    (stored,) = await windows.documents.find({})
    assert len(stored["at"]) == 40


def test_a_wait_is_over_to_the_moment() -> None:
    limit = Limit(1, HOUR)

    assert limit.wait([NOW - HOUR], NOW) == 0
    assert limit.wait([NOW - HOUR + timedelta(milliseconds=1)], NOW) == 1
