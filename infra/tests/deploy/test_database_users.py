"""Each database user on real servers: against every other's data and the commands of an administrator."""

import asyncio
import logging
import tempfile
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from common.base import times
from common.base.errors import DatabaseError
from common.base.ids import new_id
from common.persistence import mongo
from common.persistence.users import as_member, main, with_credentials
from common.testing.fake_stream import FakeStream
from expiration.publishers import DeadlinePassedPublisher, ExpirationCompletePublisher
from expiration.settings import Settings
from expiration.timers import Timers, connect
from expiration.worker import Publishers, work
from infra.deploy import redis_user
from infra.dev import passwords
from infra.dev.config import Config, from_env, mongo_of_one, with_database
from infra.dev.ports import DATABASES, free_edge
from infra.dev.testing import running_servers

connected = pytest.mark.connected
UNAUTHORIZED, AUTHENTICATION_FAILED = 13, 18

REFUSED_BY_REDIS = (
    "CONFIG GET *|CONFIG SET a b|FLUSHALL|FLUSHDB|KEYS *|SCAN 0|EVAL return 1 0|EVALSHA x 0|FUNCTION LIST"
    "|SCRIPT FLUSH|ACL LIST|ACL SETUSER x|ACL WHOAMI|SHUTDOWN|SAVE|BGSAVE|BGREWRITEAOF|MONITOR"
    "|REPLICAOF a 1|CLIENT LIST|CLIENT KILL TYPE normal|MODULE LIST|SLOWLOG GET|LATENCY RESET|PUBLISH a b"
    "|SUBSCRIBE a|SELECT 1|SWAPDB 0 1|RENAME expiration arq:x|DUMP expiration|GET other|SET other 1|DEL other"
    "|ZADD other 1 a|SET expiration2 1|ZRANGE timers 0 1"
)

ADMINISTRATION: tuple[mongo.Document, ...] = (
    {"createUser": "me", "pwd": "x", "roles": ["root"]},
    {"grantRolesToUser": "auth", "roles": ["root"]},
    {"updateUser": "auth", "pwd": "x"},
    {"usersInfo": 1},
    {"createRole": "mine", "privileges": [], "roles": []},
    {"dropDatabase": 1},
    {"shutdown": 1},
    {"replSetGetConfig": 1},
    {"replSetStepDown": 1},
    {"setParameter": 1, "logLevel": 1},
    {"getParameter": "*"},
    {"getCmdLineOpts": 1},
    {"serverStatus": 1},
    {"currentOp": 1},
    {"killOp": 1, "op": 1},
    {"fsync": 1},
    {"getLog": "global"},
    {"renameCollection": "auth.things", "to": "orders.things"},
)


@pytest.fixture
async def config() -> AsyncIterator[Config]:
    with tempfile.TemporaryDirectory(prefix="gittix-") as folder:
        own = passwords.with_users(from_env({"DATA_DIR": folder, "EDGE_PORT": str(free_edge())}))
        async with running_servers(own):
            yield own


async def code_of(attempt: Awaitable[object]) -> int | None:
    """The server's error code of its refusal; None: it permitted the command."""
    try:
        await attempt
    except DatabaseError as error:
        return error.code
    return None


def database_of(config: Config, user: str, name: str) -> mongo.Database:
    """A database by its name, also another's, as the user sees it."""
    return mongo.connect(with_database(config.mongo(user), name), name)


async def refusals_of(config: Config, user: str) -> dict[str, int | None]:
    """Outcome of each attempt of this user that has to fail."""
    found: dict[str, int | None] = {}
    for other in (*set(DATABASES) - {user}, "admin", "local", "config", "new"):
        theirs = database_of(config, user, other)
        things = theirs["things"]
        attempts: dict[str, Awaitable[object]] = {
            "find": things.find_one({}),
            "insert": things.insert_one({"a": 1}),
            "delete": things.delete_many({}),
            "drop": things.drop(),
            "collections": theirs.command({"listCollections": 1}),
            "drop database": theirs.drop(),
        }
        for name, attempt in attempts.items():
            found[f"{other}: {name}"] = await code_of(attempt)
        await theirs.close()
    for database in (user, "admin"):
        own = database_of(config, user, database)
        for command in ADMINISTRATION:
            found[f"{database}: {next(iter(command))}"] = await code_of(own.command(dict(command)))
        await own.close()
    return found


@connected
async def test_a_user_of_mongodb_has_its_own_database_and_nothing_else(config: Config) -> None:
    for user in DATABASES:
        own = mongo.connect(config.mongo(user), user)
        things = own["things"]
        await things.insert_one({"a": 1})
        await things.create_indexes([mongo.Index([("a", 1)], "a")])
        await things.drop_indexes(["a"])
        assert await things.find_one({"a": 1}) is not None
        await things.drop()
        await own.close()

        refusals = await refusals_of(config, user)

        permitted = {name: code for name, code in refusals.items() if code is None}
        # "command not found in this database" is a refusal, too: it exists in `admin` alone.
        assert permitted == {}, user
        assert [code for code in refusals.values() if code == UNAUTHORIZED]


@connected
async def test_a_user_sees_the_name_of_no_other_database(config: Config) -> None:
    for user in DATABASES:
        own = mongo.connect(config.mongo(user), user)
        await own["things"].insert_one({})
        admin = database_of(config, user, "admin")

        listed = (await admin.command({"listDatabases": 1, "nameOnly": True}))["databases"]

        assert [each["name"] for each in listed] == [user]
        await own.close()
        await admin.close()


@connected
async def test_nobody_may_do_anything_without_a_password_not_even_from_this_machine(config: Config) -> None:
    anybody = mongo.connect(with_database(mongo_of_one(config.ports["mongo"]), "admin"), "admin")
    first_user: mongo.Document = {"createUser": "me", "pwd": "x", "roles": ["root"]}

    assert await code_of(anybody["things"].find_one({})) == UNAUTHORIZED
    assert await code_of(anybody.command(first_user)) == UNAUTHORIZED
    await anybody.close()


@connected
async def test_a_user_gets_its_new_password_and_loses_the_one_before(config: Config) -> None:
    changed = replace(config, passwords={**config.passwords, "orders": "n€w/"}).mongo("orders")

    env = {"MONGO_URI": changed, "MONGO_KEY": config.passwords[passwords.MONGO_KEY]}
    assert await asyncio.to_thread(main, env | {"MONGO_KEY": "0" * 64}) == 1
    assert await asyncio.to_thread(main, env) == 0

    new, old = mongo.connect(changed, "orders"), mongo.connect(config.mongo("orders"), "orders")
    assert await code_of(new["things"].find_one({})) is None
    assert await code_of(old["things"].find_one({})) == AUTHENTICATION_FAILED
    await new.close()
    await old.close()


@connected
async def test_data_of_a_release_without_users_is_served_to_its_user_and_to_that_release_again(
    tmp_path: Path,
) -> None:
    config = from_env({"DATA_DIR": str(tmp_path), "EDGE_PORT": str(free_edge())})
    async with running_servers(config):
        before = mongo.connect(config.mongo("tickets"), "tickets")
        await before["things"].insert_one({"title": "kept"})
        await before.close()

    config = passwords.with_users(config)
    async with running_servers(config):
        now = mongo.connect(config.mongo("tickets"), "tickets")
        assert [each["title"] for each in await now["things"].find({})] == ["kept"]
        await now.close()

    async with running_servers(replace(config, passwords={})):
        again = mongo.connect(with_database(mongo_of_one(config.ports["mongo"]), "tickets"), "tickets")
        assert [each["title"] for each in await again["things"].find({})] == ["kept"]
        await again.close()


@connected
async def test_the_user_of_redis_has_the_keys_of_timers_and_no_command_of_an_administrator(
    config: Config,
) -> None:
    own = Redis.from_url(config.redis())
    assert await own.zadd("expiration", {"order": 1.0}) == 1

    for command in REFUSED_BY_REDIS.split("|"):
        with pytest.raises(NoPermissionError):
            await own.execute_command(*command.split())
    with pytest.raises(ResponseError, match="not allowed"):
        await own.execute_command("DEBUG", "SLEEP", "0")
    await own.aclose()


@connected
async def test_the_worker_fires_a_timer_with_the_commands_that_its_user_has(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    own, stream = Timers(connect(config.redis())), FakeStream()
    settings = Settings(redis_url=config.redis(), nats_url="nats://unused")
    order = new_id()
    await own.set(order, times.now())
    assert set(await own.pending()) == {order}

    publishers = Publishers(ExpirationCompletePublisher(stream), DeadlinePassedPublisher(stream))
    working = asyncio.create_task(work(settings, publishers))
    try:
        async with asyncio.timeout(20):
            while not stream.messages or await own.pending():
                await asyncio.sleep(0.05)
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
        await own.close()

    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []


@connected
async def test_without_a_password_redis_answers_a_probe_alone(config: Config) -> None:
    anybody = Redis(port=config.ports["redis"])
    assert await anybody.ping()
    for command in ("GET arq:x", "ZCARD expiration", "INFO", "CONFIG GET *"):
        with pytest.raises(NoPermissionError):
            await anybody.execute_command(*command.split())  # type: ignore[no-untyped-call] # redis-py
    await anybody.aclose()

    wrong = Redis(port=config.ports["redis"], username=redis_user.USER, password="x")
    with pytest.raises(AuthenticationError):
        await wrong.ping()
    await wrong.aclose()


def test_an_address_keeps_the_user_that_it_names() -> None:
    assert with_credentials("mongodb://u:p@h/orders", "orders", "x") == "mongodb://u:p@h/orders"
    assert as_member("mongodb://u:p@h/orders", "") == "mongodb://u:p@h/orders"
    assert as_member("mongodb://u:p@a,b/orders?w=1", "k") == (
        "mongodb://__system:k@a,b/orders?w=1&authSource=local&authMechanism=SCRAM-SHA-256"
    )
    assert (
        with_credentials("mongodb://a,b/orders?replicaSet=rs0", "orders", "p@/")
        == "mongodb://orders:p%40%2F@a,b/orders?replicaSet=rs0"
    )


def test_the_command_that_makes_users_names_what_it_lacks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main({"MONGO_URI": "mongodb://orders:secret@h/orders"}) == 1
    assert main({"MONGO_URI": "mongodb://orders@h/orders", "MONGO_KEY": "secret"}) == 1

    lacks_key, lacks_password = capsys.readouterr().err.splitlines()
    assert lacks_key.startswith("Cannot start: set MONGO_KEY")
    assert lacks_password == "Cannot start: set MONGO_URI (without a user and its password)"
    assert "secret" not in lacks_key


def test_passwords_are_kept_for_their_owner_alone(tmp_path: Path) -> None:
    first = passwords.kept(tmp_path)

    assert passwords.kept(tmp_path) == first
    assert len(set(first.values())) == len(first) == 6
    assert (tmp_path / "databases.passwords").stat().st_mode & 0o777 == 0o600
    assert not any(
        password in repr(passwords.with_users(from_env({"DATA_DIR": str(tmp_path)})))
        for password in first.values()
    )
