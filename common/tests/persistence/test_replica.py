"""A copy follows its owner's versions, whatever the order in which they arrive."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.persistence.mongo import Database
from common.persistence.replica import Replica, VersionGap
from common.testing.memory import memory_database

REPLICAS = ["database", pytest.param("real_database", marks=pytest.mark.connected)]


@pytest.fixture(params=REPLICAS)
def replica(request: pytest.FixtureRequest) -> Replica:
    database: Database = request.getfixturevalue(request.param)
    return Replica(database["things"])


async def test_versions_in_order_are_applied(replica: Replica) -> None:
    for version in range(4):
        assert await replica.apply("1", version, {"title": f"v{version}"})

    assert await replica.find("1") == {"_id": "1", "version": 3, "title": "v3"}


async def test_a_version_that_was_applied_before_changes_nothing(replica: Replica) -> None:
    for version in range(3):
        await replica.apply("1", version, {"title": f"v{version}"})

    for version in (0, 1, 2):
        assert not await replica.apply("1", version, {"title": "again"})

    assert await replica.find("1") == {"_id": "1", "version": 2, "title": "v2"}


async def test_a_version_that_is_early_is_a_gap(replica: Replica) -> None:
    with pytest.raises(VersionGap):
        await replica.apply("1", 1, {"title": "early"})
    assert await replica.find("1") is None

    await replica.apply("1", 0, {"title": "v0"})
    with pytest.raises(VersionGap):
        await replica.apply("1", 2, {"title": "early"})

    assert await replica.find("1") == {"_id": "1", "version": 0, "title": "v0"}


async def test_one_version_that_comes_many_times_at_once_is_applied_once(replica: Replica) -> None:
    applied = await asyncio.gather(*(replica.apply("1", 0, {"by": n}) for n in range(10)))
    assert applied.count(True) == 1
    applied = await asyncio.gather(*(replica.apply("1", 1, {"by": n}) for n in range(10)))
    assert applied.count(True) == 1


async def test_versions_of_many_records_at_once_are_applied_also_beside_one_that_was_applied_before(
    replica: Replica,
) -> None:
    ids = [str(number) for number in range(20)]
    await asyncio.gather(*(replica.apply(record_id, 0, {}) for record_id in ids))
    assert await replica.apply("7", 1, {"by": "before"})

    applied = await asyncio.gather(*(replica.apply(record_id, 1, {"by": "batch"}) for record_id in ids))

    assert applied == [record_id != "7" for record_id in ids]
    found = [await replica.find(record_id) for record_id in ids]
    assert [(record or {}).get("version") for record in found] == [1] * 20
    assert [(record or {})["by"] for record in found] == ["before" if i == "7" else "batch" for i in ids]
    assert all(await asyncio.gather(*(replica.apply(record_id, 2, {}) for record_id in ids)))
    with pytest.raises(VersionGap):
        await asyncio.gather(replica.apply("1", 3, {}), replica.apply("2", 4, {}))


async def test_effects_run_in_order_each_once(replica: Replica) -> None:
    effects: list[int] = []

    async def effect_of(version: int) -> None:
        async def effect() -> None:
            effects.append(version)

        await replica.in_order("1", version, effect)

    with pytest.raises(VersionGap):
        await effect_of(1)
    for version in (0, 0, 1, 0, 1):
        await effect_of(version)
    with pytest.raises(VersionGap):
        await effect_of(3)
    await effect_of(2)

    assert effects == [0, 1, 2]


async def test_an_effect_whose_process_died_runs_again_and_before_any_later_one(replica: Replica) -> None:
    effects: list[str] = []

    async def dying() -> None:
        effects.append("half")
        raise ConnectionResetError

    async def whole() -> None:
        effects.append("whole")

    with pytest.raises(ConnectionResetError):
        await replica.in_order("1", 0, dying)
    with pytest.raises(VersionGap):
        await replica.in_order("1", 1, whole)
    await replica.in_order("1", 0, whole)

    assert effects == ["half", "whole"]
    assert await replica.find("1") == {"_id": "1", "version": 0}


arrivals = st.integers(1, 8).flatmap(
    lambda count: st.tuples(
        st.just(count),
        st.permutations(range(count)),
        st.lists(st.integers(0, count - 1), max_size=12),
        st.randoms(use_true_random=False),
    )
)


@given(arrivals)
@settings(max_examples=60, deadline=None)
def test_any_order_of_arrival_ends_as_the_order_of_versions(
    arrival: tuple[int, list[int], list[int], object],
) -> None:
    count, shuffled, repeated, random = arrival
    queue = [*shuffled, *repeated]
    random.shuffle(queue)  # type: ignore[attr-defined]  # hypothesis types it as an object

    async def arrive() -> None:
        replica = Replica(memory_database()["things"])
        effects: list[int] = []

        async def deliver(version: int) -> None:
            """As the listener does: acked when it returns, else redelivered."""

            async def effect() -> None:
                effects.append(version)

            await replica.in_order("effects", version, effect)
            await replica.apply("state", version, {"title": f"v{version}", f"seen{version}": True})

        waiting = queue
        while waiting:
            again = []
            for version in waiting:
                try:
                    await deliver(version)
                except VersionGap:
                    again.append(version)
            assert len(again) < len(waiting)
            waiting = again

        assert effects == list(range(count))
        assert await replica.find("state") == {
            **{"_id": "state", "version": count - 1, "title": f"v{count - 1}"},
            **{f"seen{version}": True for version in range(count)},
        }

    asyncio.run(arrive())
