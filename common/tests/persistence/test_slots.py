"""Slots, in memory and on the real database; only the real one shows races."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from common.base.errors import Conflict, DuplicateKey
from common.base.ids import new_id
from common.persistence.mongo import ASCENDING, Collection, Database, Document, Index
from common.persistence.slots import LOOKED_AT, Slots, SlotsTaken

OPEN: Document = {"status": {"$in": ["new", "waiting"]}}
SLOTS = Slots("one_open_per_slot", "owner", OPEN)
ONE_PER_NAME = Index([("name", ASCENDING)], name="one_per_name", unique=True, sparse=True)


async def prepared(database: Database) -> Collection:
    things = database["things"]
    await things.create_indexes([SLOTS.index, ONE_PER_NAME])
    return things


@pytest.fixture
async def things(any_database: Database) -> Collection:
    return await prepared(any_database)


def storing(things: Collection, owner: str, **fields: Any) -> Callable[[int], Awaitable[str]]:
    async def store(slot: int) -> str:
        thing = {"_id": new_id(), "owner": owner, "status": "new", **fields, "slot": slot}
        await things.insert_one(thing)
        return str(thing["_id"])

    return store


async def fill(things: Collection, limit: int = 3, owner: str = "ada", **fields: Any) -> str:
    return await SLOTS.fill(things, owner, limit, storing(things, owner, **fields))


async def test_as_many_records_as_the_limit_are_stored_and_the_refusal_shows_them(things: Collection) -> None:
    stored = {await fill(things) for _ in range(3)}

    with pytest.raises(SlotsTaken) as refused:
        await fill(things)

    assert {thing["_id"] for thing in await things.find(refused.value.taken)} == stored
    assert sorted(thing["slot"] for thing in await things.find({})) == [1, 2, 3]


async def test_owners_have_slots_of_their_own(things: Collection) -> None:
    for owner in ("ada", "bob"):
        await fill(things, 1, owner)

    with pytest.raises(SlotsTaken):
        await fill(things, 1)


async def test_a_record_that_ends_frees_its_slot_though_it_keeps_its_number(things: Collection) -> None:
    first = await fill(things, 1)
    assert await things.update_one({"_id": first}, {"$set": {"status": "waiting"}})
    with pytest.raises(SlotsTaken):
        await fill(things, 1)

    assert await things.update_one({"_id": first}, {"$set": {"status": "over"}})
    second = await fill(things, 1)

    # It goes on changing while another record has its number.
    assert await things.update_one({"_id": first}, {"$set": {"note": "seen"}})
    assert [thing["_id"] for thing in await things.find({"slot": 1, **OPEN})] == [second]


async def test_records_without_a_slot_do_not_count(things: Collection) -> None:
    await things.insert_many([{"_id": n, "owner": "ada", "status": "new"} for n in range(5)])

    await fill(things, 1)


async def test_a_refusal_by_another_index_is_passed_on(things: Collection) -> None:
    await fill(things, name="opera")

    with pytest.raises(DuplicateKey) as refused:
        await fill(things, name="opera")

    assert refused.value.index == "one_per_name"


async def test_a_first_record_costs_no_read(things: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    async def find(*_args: object, **_options: object) -> None:
        raise AssertionError("read")

    monkeypatch.setattr(Collection, "find", find)

    await fill(things, 1_000_000)


async def test_above_the_number_that_is_looked_at_a_nearly_full_owner_is_refused_without_reading_all(
    database: Database,
) -> None:
    things, limit = await prepared(database), LOOKED_AT * 8
    await things.insert_many(
        [{"_id": n, "owner": "ada", "status": "new", "slot": n} for n in range(1, limit + 1)]
    )

    with pytest.raises(SlotsTaken) as refused:
        await fill(things, limit)

    assert await things.count_documents(refused.value.taken) == LOOKED_AT


async def test_slots_that_are_always_lost_to_others_end_in_a_conflict(database: Database) -> None:
    async def lost(_slot: int) -> None:
        raise DuplicateKey("taken", 11000, SLOTS.name)

    with pytest.raises(Conflict):
        await SLOTS.fill(await prepared(database), "ada", 5, lost)


@pytest.mark.connected
@pytest.mark.parametrize("limit", [5, 100])
async def test_of_400_at_once_exactly_as_many_as_the_limit_are_stored(
    real_database: Database, limit: int
) -> None:
    things = await prepared(real_database)

    ends = await asyncio.gather(*(fill(things, limit) for _ in range(400)), return_exceptions=True)

    assert sum(isinstance(end, str) for end in ends) == limit
    assert {type(end) for end in ends} == {str, SlotsTaken}
    assert sorted(thing["slot"] for thing in await things.find({})) == list(range(1, limit + 1))
