"""The border to MongoDB: what it returns, in memory and on the real server, and which error becomes which."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, cast

import pytest
from bson.errors import InvalidDocument
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    CursorNotFound,
    DuplicateKeyError,
    ExecutionTimeout,
    InvalidOperation,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WriteConcernError,
    WriteError,
    WTimeoutError,
)

from common.base.errors import DatabaseError, DuplicateKey, Outage, Unavailable
from common.persistence.mongo import ASCENDING, DESCENDING, Collection, Database, Index, check_uri, connect

DATABASES = ["database", pytest.param("real_database", marks=pytest.mark.connected)]
TAKEN = {"code": 11000, "errmsg": "E11000 duplicate key"}
OTHER = {"code": 2, "errmsg": "BadValue"}
UNCONFIRMED = {"code": 64, "errmsg": "waiting for replication timed out"}


def batch_error(*failures: dict[str, Any], unconfirmed: bool = False) -> BulkWriteError:
    """`failures` at the places 1, 2 …"""
    errors = [{"index": place, **failure} for place, failure in enumerate(failures, 1)]
    return BulkWriteError(
        {"writeErrors": errors, "writeConcernErrors": [UNCONFIRMED] if unconfirmed else [], "nMatched": 0}
    )


OUTAGES = [
    *(ConnectionFailure("gone"), AutoReconnect("gone"), NetworkTimeout("gone"), NotPrimaryError("gone")),
    *(ServerSelectionTimeoutError("gone"), WaitQueueTimeoutError("gone")),
    *(WriteConcernError("gone", 64), WTimeoutError("gone", 64), ExecutionTimeout("gone", 50)),
]
REFUSALS = [
    *(PyMongoError("no"), OperationFailure("no", 2), WriteError("no", 121), CursorNotFound("no", 43)),
    *(ConfigurationError("no"), InvalidOperation("no"), InvalidDocument("no")),
]
BATCHES = [
    (batch_error(TAKEN), DuplicateKey),
    (batch_error(OTHER, TAKEN), DatabaseError),
    (batch_error(unconfirmed=True), Outage),
    (batch_error(TAKEN, unconfirmed=True), Outage),
    (batch_error(), DatabaseError),
]
TRANSLATIONS = [
    *((error, Outage) for error in OUTAGES),
    (DuplicateKeyError("no", 11000), DuplicateKey),
    *((error, DatabaseError) for error in REFUSALS),
    *BATCHES,
]


class Raising:
    """The driver's database, collection and cursor in one, whose every operation raises `error`."""

    name = "raising"

    def __init__(self, error: Exception) -> None:
        self._error = error

    @property
    def client(self) -> "Raising":
        return self

    def __getitem__(self, _name: str) -> "Raising":
        return self

    def find(self, *_args: object, **_options: object) -> "Raising":
        return self

    aggregate = find

    def __getattr__(self, _operation: str) -> Callable[..., Awaitable[None]]:
        return self._raise

    async def _raise(self, *_args: object, **_options: object) -> None:
        raise self._error


def raising(error: Exception) -> Database:
    return Database(cast(Any, Raising(error)))


OPERATIONS: dict[str, Callable[[Collection], Awaitable[object]]] = {
    "find_one": lambda things: things.find_one({}),
    "find": lambda things: things.find({}),
    "aggregate": lambda things: things.aggregate([]),
    "count_documents": lambda things: things.count_documents({}),
    "insert_one": lambda things: things.insert_one({"_id": 1}),
    "insert_many": lambda things: things.insert_many([{"_id": 1}]),
    "insert_each": lambda things: things.insert_each([{"_id": 1}]),
    "update_one": lambda things: things.update_one({}, {"$set": {"a": 1}}),
    "update_many": lambda things: things.update_many({}, {"$set": {"a": 1}}),
    "update_each": lambda things: things.update_each([({}, {"$set": {"a": 1}})]),
    "find_one_and_update": lambda things: things.find_one_and_update({}, {"$set": {"a": 1}}),
    "replace_one": lambda things: things.replace_one({}, {"a": 1}),
    "delete_one": lambda things: things.delete_one({}),
    "delete_many": lambda things: things.delete_many({}),
    "create_indexes": lambda things: things.create_indexes([Index([("a", ASCENDING)], name="a")]),
    "drop_indexes": lambda things: things.drop_indexes(["a"]),
    "drop": lambda things: things.drop(),
    "command": lambda things: things.database.command("ping"),
    "list_collection_names": lambda things: things.database.list_collection_names(),
    "drop_database": lambda things: things.database.drop(),
}


@pytest.mark.parametrize(("error", "expected"), TRANSLATIONS, ids=lambda case: repr(case)[:40])
async def test_each_error_of_the_driver_becomes_one_of_ours(
    error: Exception, expected: type[Exception]
) -> None:
    with pytest.raises(expected) as raised:
        await raising(error)["things"].find_one({})

    assert type(raised.value) is expected
    assert raised.value.__cause__ is error


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_every_operation_translates(operation: str) -> None:
    for error, expected in ((AutoReconnect("gone"), Outage), (OperationFailure("no", 2), DatabaseError)):
        with pytest.raises(expected) as raised:
            await OPERATIONS[operation](raising(error)["things"])
        assert type(raised.value) is expected


async def test_an_outage_has_the_driver_s_words_for_the_log_and_none_for_the_answer() -> None:
    with pytest.raises(Unavailable) as raised:
        await raising(AutoReconnect("db-0.internal:27017: closed"))["things"].find_one({})

    assert str(raised.value) == "AutoReconnect: db-0.internal:27017: closed"
    assert repr(raised.value) == "Outage('AutoReconnect: db-0.internal:27017: closed')"
    assert [entry.message for entry in raised.value.entries] == [Unavailable.default_message]
    assert raised.value.status == 503


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OperationFailure("already initialized", 23), 23),
        (DuplicateKeyError("taken", 11000), 11000),
        (batch_error(OTHER), 2),
        (InvalidOperation("closed"), None),
    ],
)
async def test_a_refusal_has_the_server_s_code(error: Exception, code: int | None) -> None:
    with pytest.raises(DatabaseError) as raised:
        await raising(error)["things"].find_one({})

    assert raised.value.code == code


async def test_of_a_batch_each_refusal_has_its_place() -> None:
    things = raising(batch_error(TAKEN, OTHER))["things"]

    refused = await things.insert_each([{}, {}, {}])
    updated = await things.update_each([({"_id": n}, {"$set": {}}) for n in range(3)])

    assert {place: type(error) for place, error in refused.items()} == {1: DuplicateKey, 2: DatabaseError}
    assert updated[0] is True
    for error, type_ in zip(updated[1:], (DuplicateKey, DatabaseError), strict=True):
        assert type(error) is type_
    for taken in (refused[1], updated[1]):
        assert isinstance(taken, DuplicateKey)
        assert (str(taken), taken.code) == ("E11000 duplicate key", 11000)


@pytest.mark.parametrize("operation", ["insert_each", "update_each", "insert_many"])
async def test_a_batch_that_was_not_confirmed_says_nothing_of_what_is_stored(operation: str) -> None:
    with pytest.raises(Outage):
        await OPERATIONS[operation](raising(batch_error(TAKEN, unconfirmed=True))["things"])


async def test_what_is_no_error_of_the_driver_is_passed_on() -> None:
    with pytest.raises(ZeroDivisionError):
        await raising(ZeroDivisionError())["things"].find_one({})
    with pytest.raises(asyncio.CancelledError):
        await raising(cast(Exception, asyncio.CancelledError()))["things"].find_one({})


async def test_a_server_that_is_not_there_is_an_outage() -> None:
    database = connect("mongodb://127.0.0.1:1", "nowhere", wait_seconds=0.01)

    for operation in ("find", "update_each"):
        with pytest.raises(Outage, match="ServerSelectionTimeoutError"):
            await OPERATIONS[operation](database["things"])

    assert not await database.is_up()
    await database.close()
    await database.close()


async def test_a_ping_that_is_refused_or_takes_too_long_is_no_sign_of_life(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not await raising(OperationFailure("no", 18)).is_up()

    async def silent(_self: Raising) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("common.persistence.mongo.PING_SECONDS", 0.01)
    monkeypatch.setattr(Raising, "_raise", lambda self, *_command: silent(self))
    assert not await raising(PyMongoError()).is_up()


def test_the_uri_names_the_database_or_leaves_it_to_the_default() -> None:
    assert connect("mongodb://127.0.0.1:1/named?directConnection=true", "default").name == "named"
    assert connect("mongodb://127.0.0.1:1/", "default").name == "default"


def test_every_wait_for_the_database_has_an_end_and_its_times_have_a_zone() -> None:
    # The types of the driver have a method there.
    options: Any = connect("mongodb://db.test:1/", "tickets", wait_seconds=3)._driver.client.options

    assert options.server_selection_timeout == 3
    assert options.pool_options.connect_timeout == 2
    assert options.pool_options.socket_timeout == 10
    assert options.codec_options.tz_aware


@pytest.mark.parametrize("uri", ["mongodb://", "mongodb://a:b@c@d/", "mongodb://db:x", "mongodb://db/?w"])
def test_a_uri_that_the_driver_does_not_take_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match=r"\w+"):
        check_uri(uri)


@pytest.fixture(params=DATABASES)
def things(request: pytest.FixtureRequest) -> Collection:
    database: Database = request.getfixturevalue(request.param)
    return database["things"]


async def test_documents_are_found_sorted_limited_and_in_part(things: Collection) -> None:
    await things.insert_many([{"_id": n, "kind": n % 2, "secret": n} for n in range(5)])

    assert await things.find_one({"_id": 3}, {"secret": 0}) == {"_id": 3, "kind": 1}
    assert await things.find_one({}, {"_id": 1}, sort=[("_id", DESCENDING)]) == {"_id": 4}
    assert await things.find_one({"_id": 9}) is None
    assert sorted(found["_id"] for found in await things.find({"kind": 0})) == [0, 2, 4]
    order = [("kind", DESCENDING), ("_id", ASCENDING)]
    assert [found["_id"] for found in await things.find({}, sort=order, limit=3)] == [1, 3, 0]
    assert await things.find({"_id": 3}, {"kind": 1}) == [{"_id": 3, "kind": 1}]
    assert await things.count_documents({"kind": 1}) == 2
    assert await things.database.list_collection_names() == ["things"]


async def test_more_documents_than_a_batch_are_found_in_one_call(things: Collection) -> None:
    await things.insert_many([{"_id": n} for n in range(350)])

    assert len(await things.find({})) == 350
    assert len(await things.find({}, limit=300)) == 300
    query = [{"$group": {"_id": None, "sum": {"$sum": "$_id"}}}]
    assert [found["sum"] for found in await things.aggregate(query)] == [350 * 349 // 2]


async def test_writes_say_what_they_found(things: Collection) -> None:
    await things.insert_one({"_id": "a", "n": 0})

    assert await things.update_one({"_id": "a"}, {"$set": {"n": 1}})
    assert not await things.update_one({"_id": "b"}, {"$set": {"n": 1}})
    assert not await things.update_one({"_id": "b"}, {"$set": {"n": 1}}, upsert=True)
    assert await things.update_many({"n": 1}, {"$set": {"n": 2}}) == 2
    changed = await things.find_one_and_update({"_id": "a"}, {"$inc": {"n": 1}}, {"n": 1})
    assert changed == {"_id": "a", "n": 3}
    assert await things.find_one_and_update({"_id": "c"}, {"$inc": {"n": 1}}) is None
    assert await things.replace_one({"_id": "a"}, {"m": 1})
    assert not await things.replace_one({"_id": "c"}, {"m": 1})
    assert await things.find_one({"_id": "a"}) == {"_id": "a", "m": 1}
    assert await things.delete_one({"_id": "a"})
    assert not await things.delete_one({"_id": "a"})
    assert await things.delete_many({}) == 1


async def test_a_duplicate_names_the_index_that_has_the_key(things: Collection) -> None:
    await things.create_indexes([Index([("key", ASCENDING)], name="one_per_key", unique=True, sparse=True)])
    await things.insert_many([{"_id": "a", "key": 1}, {"_id": "b"}])

    with pytest.raises(DuplicateKey) as alone:
        await things.insert_one({"_id": "c", "key": 1})
    with pytest.raises(DuplicateKey) as changed:
        await things.find_one_and_update({"_id": "b"}, {"$set": {"key": 1}})
    refused = await things.insert_each([{"_id": "c", "key": 1}, {"_id": "d"}])

    for error in (alone.value, changed.value, refused[0]):
        assert isinstance(error, DuplicateKey)
        assert error.index == "one_per_key"


async def test_a_partial_unique_index_is_of_the_documents_that_match_it(things: Collection) -> None:
    index = Index([("key", ASCENDING)], name="one_open", unique=True, where={"open": True})
    await things.create_indexes([index])
    await things.insert_many([{"_id": 1, "key": 1, "open": True}, {"_id": 2, "key": 1, "open": False}])

    assert await things.update_one({"_id": 2}, {"$set": {"note": "seen"}})
    with pytest.raises(DuplicateKey):
        await things.update_one({"_id": 2}, {"$set": {"open": True}})
    assert (await things.find_one({"_id": 2}, {"open": 1})) == {"_id": 2, "open": False}


async def test_batches_store_what_is_not_refused(things: Collection) -> None:
    await things.create_indexes([Index([("key", ASCENDING)], name="one_per_key", unique=True, sparse=True)])
    await things.insert_one({"_id": "b", "key": 1})

    refused = await things.insert_each([{"_id": "a"}, {"_id": "b"}, {"_id": "c"}])
    assert {place: type(error) for place, error in refused.items()} == {1: DuplicateKey}
    assert await things.insert_each([{"_id": "d"}]) == {}


async def test_each_update_of_a_batch_has_its_own_outcome(things: Collection) -> None:
    await things.create_indexes([Index([("key", ASCENDING)], name="one_per_key", unique=True, sparse=True)])
    before = [{"_id": key, "at": 1, "key": key} for key in "abcd"]
    await things.insert_many(before)

    outcomes = await things.update_each(
        [
            ({"_id": "a", "at": 1}, {"$set": {"at": 2}}),
            ({"_id": "b", "at": 0}, {"$set": {"at": 1}}),
            ({"_id": "c", "at": 1}, {"$set": {"key": "a"}}),
            ({"_id": "a", "at": 1}, {"$set": {"at": 9}}),
            ({"_id": "absent", "at": 1}, {"$set": {"at": 2}}),
            ({"_id": "d", "at": 1}, {"$push": {"log": "x"}}),
        ]
    )

    assert [type(outcome) if isinstance(outcome, Exception) else outcome for outcome in outcomes] == [
        *(True, False, DuplicateKey, False, False, True)
    ]
    assert await things.find({}, sort=[("_id", ASCENDING)]) == [
        {"_id": "a", "at": 2, "key": "a"},
        *before[1:3],
        {"_id": "d", "at": 1, "key": "d", "log": ["x"]},
    ]


async def test_an_ordered_batch_ends_at_the_first_refusal(things: Collection) -> None:
    await things.insert_one({"_id": 2})

    with pytest.raises(DuplicateKey):
        await things.insert_many([{"_id": n} for n in range(1, 4)])
    assert await things.count_documents({}) == 2
    with pytest.raises(DuplicateKey):
        await things.insert_many([{"_id": n} for n in range(2, 5)], ordered=False)
    assert await things.count_documents({}) == 4


async def test_a_key_that_is_taken_is_refused(things: Collection) -> None:
    await things.insert_one({"_id": "a"})

    with pytest.raises(DuplicateKey):
        await things.insert_one({"_id": "a"})


async def test_what_the_server_refuses_is_a_database_error(things: Collection) -> None:
    await things.insert_one({"_id": "a"})

    with pytest.raises(DatabaseError) as raised:
        await things.update_one({"_id": "a"}, {"$set": {"_id": "b"}})

    assert type(raised.value) is DatabaseError
    assert await things.database.is_up()


class Recording(Raising):
    """Keeps the index models that the driver is given."""

    def __init__(self) -> None:
        super().__init__(AssertionError())
        self.models: list[dict[str, Any]] = []

    async def create_indexes(self, models: list[Any]) -> None:
        self.models = [model.document for model in models]


async def test_an_index_has_the_options_that_are_given_and_no_others() -> None:
    driver = Recording()
    await Database(cast(Any, driver))["things"].create_indexes(
        [
            Index([("a", ASCENDING), ("_id", DESCENDING)], name="plain"),
            Index([("a", ASCENDING)], name="all", unique=True, sparse=True, expire_after=timedelta(days=60)),
            Index([("a", ASCENDING)], name="some", where={"a": {"$gt": 0}}, expire_after=timedelta(0)),
        ]
    )

    assert [{**model, "key": dict(model["key"])} for model in driver.models] == [
        {"key": {"a": 1, "_id": -1}, "name": "plain"},
        {"key": {"a": 1}, "name": "all", "unique": True, "sparse": True, "expireAfterSeconds": 5184000},
        {
            "key": {"a": 1},
            "name": "some",
            "partialFilterExpression": {"a": {"$gt": 0}},
            "expireAfterSeconds": 0,
        },
    ]
