"""Single reads and writes, alone and at once, among documents of no request."""

import asyncio

import pytest

from common.base.errors import DuplicateKey
from common.persistence.batching import DocumentReader, DocumentWriter
from common.persistence.mongo import ASCENDING, Collection, Database

DATABASES = ["database", pytest.param("real_database", marks=pytest.mark.connected)]


@pytest.fixture(params=DATABASES)
def things(request: pytest.FixtureRequest) -> Collection:
    database: Database = request.getfixturevalue(request.param)
    return database["things"]


async def stored(things: Collection) -> dict[str, int]:
    return {found["_id"]: found["n"] for found in await things.find({}, sort=[("_id", ASCENDING)])}


@pytest.mark.parametrize("asked", [["5"], ["5", "7"], ["5", "absent", "7", "5"]])
async def test_each_read_finds_its_own_document_in_its_projection(
    things: Collection, asked: list[str]
) -> None:
    await things.insert_many([{"_id": str(n), "n": n, "more": n} for n in range(10)])
    reader = DocumentReader(things, {"n": 1})

    found = await asyncio.gather(*map(reader.find, asked))

    assert found == [None if one == "absent" else {"_id": one, "n": int(one)} for one in asked]


async def test_a_document_that_is_absent_is_none_where_it_is_asked_for_alone(things: Collection) -> None:
    await things.insert_one({"_id": "other", "n": 1})

    assert await DocumentReader(things).find("absent") is None


@pytest.mark.parametrize("count", [1, 2, 5])
async def test_inserts_at_once_are_all_stored_and_a_refused_one_fails_alone(
    things: Collection, count: int
) -> None:
    writer = DocumentWriter(things)
    new = [{"_id": str(n), "n": n} for n in range(count)]
    await asyncio.gather(*map(writer.insert, new))
    assert await stored(things) == {str(n): n for n in range(count)}

    again = [{"_id": str(n), "n": -1} for n in range(count - 1, count + 1)]
    outcomes = await asyncio.gather(*map(writer.insert, again), return_exceptions=True)
    with pytest.raises(DuplicateKey):
        await writer.insert({"_id": "0", "n": -1})

    assert [type(outcome) for outcome in outcomes] == [DuplicateKey, type(None)]
    assert await stored(things) == {**{str(n): n for n in range(count)}, str(count): -1}


@pytest.mark.parametrize("count", [1, 2, 5])
async def test_updates_at_once_say_each_whether_its_document_was_in_that_state(
    things: Collection, count: int
) -> None:
    await things.insert_many([{"_id": str(n), "n": n} for n in range(10)])
    writer = DocumentWriter(things)

    async def update(n: int, state: int) -> bool:
        return await writer.update({"_id": str(n), "n": state}, {"$set": {"n": 100 + n}})

    assert await asyncio.gather(*(update(n, n) for n in range(count))) == [True] * count
    assert await asyncio.gather(*(update(n, n) for n in range(count + 1))) == [False] * count + [True]
    assert await update(0, 0) is False

    expected = {str(n): 100 + n if n <= count else n for n in range(10)}
    assert await stored(things) == expected
