"""`python -m infra.dev.testing [--system] -- COMMAND`: real servers on free ports while a command runs.

Without `--system`: NATS, Redis and MongoDB, at TEST_NATS_URL, TEST_REDIS_URL and TEST_MONGO_URI. With
`--system`: the whole system; EDGE_URL is its address, and the file RUN_JSON holds its pids and ports.
"""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from infra.dev import environment, servers
from infra.dev.config import Config, from_env, mongo_of_one
from infra.dev.output import Output
from infra.dev.ports import free_edge
from infra.dev.process import Supervised
from infra.dev.seeds import Seeds
from infra.dev.spawn import raise_open_files
from infra.dev.system import System

_ELSEWHERE = ("MONGO_URI", "NATS_URL", "REDIS_URL", "MAIL_URL")
_READY_TIMEOUT = 120


def _config(data_dir: Path, defaults: Mapping[str, str]) -> Config:
    """Configuration with free ports and a separate folder; never with the servers of `make run`."""
    env = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    return from_env({**defaults, **env, "DATA_DIR": str(data_dir), "EDGE_PORT": str(free_edge())})


@asynccontextmanager
async def running_servers(config: Config, users: Seeds | None = None) -> AsyncIterator[dict[str, str]]:
    """Run the three servers; yields the environment variables with their addresses.

    users: Seeds of the broker's users. Without them it has none: tests declare, purge and forge as they need.
    """
    quiet = (config.data_dir / "servers.log").open("w")
    output = Output(config.own_servers, quiet)
    started = []
    try:
        for name in config.own_servers:
            command = await asyncio.to_thread(servers.prepare, name, config, users)
            server = Supervised(
                name, command, environment.system(config), output, lambda: None, signal.SIGTERM
            )
            await server.start()
            started.append(server)
        for name in config.own_servers:
            await _accepts(config.ports[name])
        async with asyncio.timeout(_READY_TIMEOUT):
            await servers.prepared(config)
        yield {
            "TEST_NATS_URL": config.nats(),
            "TEST_REDIS_URL": config.redis(),
            "TEST_MONGO_URI": mongo_of_one(config.ports["mongo"]),
        }
    finally:
        await asyncio.gather(*(server.stop() for server in started))
        quiet.close()


@asynccontextmanager
async def running_system(config: Config) -> AsyncIterator[dict[str, str]]:
    """Run the whole system until it is ready.

    Its log goes to standard error; standard output is the command's.
    """
    system = await asyncio.to_thread(System, config, sys.stderr)
    try:
        await system.start()
        await asyncio.wait_for(system.ready(), _READY_TIMEOUT)
        yield {"EDGE_URL": config.edge_url, "RUN_JSON": str(system.record)}
    finally:
        await system.stop()


async def _accepts(port: int) -> None:
    async with asyncio.timeout(_READY_TIMEOUT):
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.05)


async def run(command: list[str], *, whole: bool) -> int:
    """Run the command; returns its exit code."""
    with tempfile.TemporaryDirectory(prefix="gittix-") as folder:
        config = _config(Path(folder), {"ORDER_HOLD_SECONDS": "5"} if whole else {})
        async with running_system(config) if whole else running_servers(config) as found:
            process = await asyncio.create_subprocess_exec(*command, env={**os.environ, **found})
            loop = asyncio.get_running_loop()
            for sent in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(sent, process.send_signal, sent)
            return await process.wait()


def main() -> int:
    arguments = sys.argv[1:]
    if "--" not in arguments or arguments[-1] == "--":
        raise SystemExit("usage: python -m infra.dev.testing [--system] -- COMMAND...")
    split = arguments.index("--")
    raise_open_files()
    return asyncio.run(run(arguments[split + 1 :], whole="--system" in arguments[:split]))


if __name__ == "__main__":
    sys.exit(main())
