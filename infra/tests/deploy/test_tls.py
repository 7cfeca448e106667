"""Production's servers of data, started as its manifests say: TLS by the private CA, and nothing else."""

import asyncio
import gc
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from arq.connections import ArqRedis
from redis.exceptions import RedisError
from tests.deploy.certificates import made, placed

from common.base.errors import Outage
from common.persistence.mongo import connect
from common.persistence.replica_set import initiate
from common.persistence.users import grant
from expiration import timers
from infra.deploy import redis_user
from infra.deploy.manifests.rendered import environment, overlay, pod
from infra.dev import mongo
from infra.dev.config import write_private
from infra.dev.ports import free_edge

KEY = PASSWORD = "0123456789abcdef" * 4
REDIS_SERVER = shutil.which("redis-server")
connected = pytest.mark.connected


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates of another CA."""
    return made(tmp_path_factory.mktemp("strange"))


@contextmanager
def running(command: Sequence[str]) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def configuration(name: str, key: str) -> str:
    (text,) = (
        one["data"][key]
        for one in overlay("prod")
        if one["kind"] == "ConfigMap" and one["metadata"]["name"].startswith(name)
    )
    return str(text)


async def listening(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                return
            await asyncio.sleep(0.05)


def mongod(certificates: Path, folder: Path, port: int) -> list[str]:
    """Command of production's auth-mongo, on this machine's port and folders."""
    write_private(folder / "keyfile", KEY)
    text = configuration("auth-mongo-config", "mongod.conf")
    for old, new in (
        ("/tmp/keyfile", str(folder / "keyfile")),
        ("/data/db", str(folder)),
        ("port: 27017", f"port: {port}"),
    ):
        assert old in text
        text = text.replace(old, new)
    (folder / "mongod.conf").write_text(text)
    program, *options = pod(overlay("prod"), "auth-mongo").main["args"]
    assert program == "mongod"
    placed_options = (placed(option, certificates, "auth-mongo") for option in options)
    return [
        mongo.command(port, folder)[0],
        *(option.replace("/etc/mongo", str(folder)) for option in placed_options),
    ]


def options_of_mongodb(certificates: Path) -> str:
    (job,) = pod(overlay("prod"), "auth-mongo-init").containers
    (options,) = (one["value"] for one in job["env"] if one["name"] == "MONGO_OPTIONS")
    assert str(options) in (environment(overlay("prod"), pod(overlay("prod"), "auth"))["MONGO_URI"] or "")
    return placed(str(options), certificates, "")


@connected
async def test_mongodb_takes_tls_alone_and_shows_its_certificate(
    certificates: Path, strange: Path, tmp_path: Path
) -> None:
    port = free_edge()
    address, good = f"localhost:{port}", options_of_mongodb(certificates)
    with running(mongod(certificates, tmp_path, port)):
        async with asyncio.timeout(60):
            # As the Job of the replica set, and the container that makes the user, do.
            assert await initiate([address], KEY, good) == address
            uri = f"mongodb://auth:{PASSWORD}@{address}/auth?replicaSet=rs0&{good}"
            await grant(uri, KEY)

        own = connect(uri, "auth")
        await own["things"].insert_one({"a": 1})
        await own.close()
        for refused in (
            uri.replace(f"&{good}", ""),
            uri.replace(str(certificates), str(strange)),
            f"mongodb://auth:{PASSWORD}@127.0.0.1:{port}/auth?directConnection=true&{good}",
        ):
            other = connect(refused, "auth", wait_seconds=1)
            with pytest.raises(Outage):
                await other["things"].find_one({})
            await other.close()


def redis_server(certificates: Path, folder: Path, port: int) -> list[str]:
    """Command of production's expiration-redis."""
    text = configuration("expiration-redis-config", "redis.conf").replace("dir /data", f"dir {folder}")
    (folder / "redis.conf").write_text(text)
    assert REDIS_SERVER is not None
    _, _, *options = pod(overlay("prod"), "expiration-redis").main["args"]
    command = [REDIS_SERVER, str(folder / "redis.conf")]
    for option in options:
        known = option.replace("$(REDIS_PASSWORD_HASH)", redis_user.hash_of(PASSWORD))
        command.append(placed(known.replace("6379", str(port)), certificates, "expiration-redis"))
    return command


@pytest.fixture
async def redis_port(certificates: Path, tmp_path: Path) -> AsyncIterator[int]:
    port = free_edge()
    with running(redis_server(certificates, tmp_path, port)):
        await listening(port)
        yield port


def redis_url(certificates: Path, port: int, host: str = "localhost") -> str:
    """As the processes of expiration have it."""
    (url,) = (
        one["value"] for one in pod(overlay("prod"), "expiration").main["env"] if one["name"] == "REDIS_URL"
    )
    known = (
        str(url).replace("$(REDIS_PASSWORD)", PASSWORD).replace("expiration-redis-srv:6379", f"{host}:{port}")
    )
    return placed(known, certificates, "")


async def is_there(redis: ArqRedis) -> bool:
    try:
        await redis.zcard(timers.QUEUE)
    except RedisError:
        return False
    finally:
        await redis.aclose()
    return True


@connected
@pytest.mark.skipif(REDIS_SERVER is None, reason="the Redis of the packages is built without TLS")
# redis-py forgets the stream of a handshake that failed.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_redis_takes_tls_alone_and_shows_its_certificate(
    certificates: Path, strange: Path, redis_port: int
) -> None:
    url = redis_url(certificates, redis_port)
    assert await is_there(timers.connect(url))

    plain = url.replace("rediss", "redis").partition("?")[0]
    assert not await is_there(timers.connect(plain))
    assert not await is_there(timers.connect(redis_url(strange, redis_port)))
    # A certificate of the CA, under a name that it does not have.
    assert not await is_there(timers.connect(redis_url(certificates, redis_port, "127.0.0.1")))
    gc.collect()
