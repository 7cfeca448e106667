"""Records that are visited again, after pauses that double."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest

from common.base import times
from common.base.errors import Outage
from common.persistence import revisits
from common.persistence.mongo import Database
from common.persistence.revisits import FIRST_PAUSE, LAST, Revisits
from common.testing.clock import Clock


@pytest.fixture(autouse=True)
def clock(clock: Clock) -> Clock:
    clock.now = times.now()
    return clock


@pytest.fixture
async def visits(database: Database) -> Revisits:
    visits = Revisits(database["deleted_users"])
    await visits.prepare()
    return visits


class Visited:
    """Counts the visits. fails: Raised by each visit of "bad"."""

    def __init__(self, fails: Exception | None = None) -> None:
        self.seen: list[str] = []
        self._fails = fails

    async def __call__(self, record_id: str) -> None:
        self.seen.append(record_id)
        if record_id == "bad" and self._fails is not None:
            raise self._fails


async def test_a_record_is_visited_after_pauses_that_double_and_at_last_no_more(
    visits: Revisits, clock: Clock
) -> None:
    visited, begun = Visited(), clock.now
    await visits.add("ada")
    ages = []

    while clock.now - begun < 3 * LAST:
        clock.now += FIRST_PAUSE if clock.now - begun < timedelta(minutes=10) else timedelta(hours=1)
        if await visits.round(visited):
            ages.append(clock.now - begun)

    seconds = [age.total_seconds() for age in ages]
    assert seconds[:5] == [10, 20, 40, 80, 160]
    assert all(later <= 2.1 * earlier + 3600 for earlier, later in pairwise(seconds))
    assert LAST <= ages[-1] <= 2 * LAST + timedelta(hours=1)
    assert len(ages) < 20


async def test_a_record_that_is_added_again_is_one(visits: Revisits, clock: Clock) -> None:
    await visits.add("ada")
    clock.now += FIRST_PAUSE / 2
    await visits.add("ada")
    clock.now += FIRST_PAUSE / 2
    visited = Visited()

    assert await visits.round(visited) == 1
    assert await visits.round(visited) == 0
    assert visited.seen == ["ada"]


async def test_a_failed_visit_is_repeated_and_holds_up_no_other(visits: Revisits, clock: Clock) -> None:
    for name in ("bad", "good"):
        await visits.add(name)
    clock.now += FIRST_PAUSE
    visited = Visited(RuntimeError("a bug"))

    assert await visits.round(visited) == 1
    assert await visits.round(visited) == 0
    assert visited.seen == ["bad", "good", "bad"]


async def test_an_outage_ends_the_round(visits: Revisits, clock: Clock) -> None:
    await visits.add("bad")
    clock.now += FIRST_PAUSE

    with pytest.raises(Outage):
        await visits.round(Visited(Outage("away")))
    assert await visits.round(Visited()) == 1


async def test_the_job_visits_what_is_due_for_ever(
    visits: Revisits, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revisits, "ROUND_SECONDS", 0)
    monkeypatch.setattr(revisits, "BATCH", 2)
    for number in range(5):
        await visits.add(f"{number}")
    clock.now += FIRST_PAUSE
    visited = Visited()

    job = asyncio.create_task(visits.run(visited))
    async with asyncio.timeout(5):
        while len(visited.seen) < 5:
            await asyncio.sleep(0.002)
    job.cancel()

    assert sorted(visited.seen) == [f"{number}" for number in range(5)]
