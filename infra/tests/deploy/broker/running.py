"""The laptop's broker with its users, as `make run` starts it, and connections of each of them."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import nats
from nats.aio.client import Client

from common.contract.stream import MARKETPLACE
from common.messaging.jetstream.stream import JetStream
from common.messaging.nats_connection import Identity
from common.runtime.settings import ADMINISTRATOR
from infra.dev import broker, servers
from infra.dev import seeds as own
from infra.dev.config import Config, from_env
from infra.dev.ports import free_edge

VIOLATION = "permissions violation for"


@dataclass(frozen=True)
class Broker:
    config: Config
    seeds: own.Seeds
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *, with_users: bool) -> None:
        command = servers.prepare("nats", self.config, self.seeds if with_users else {})
        self.processes.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
            process.wait()
        self.processes.clear()

    def identity(self, user: str) -> Identity:
        return Identity(user, self.seeds[user])

    @asynccontextmanager
    async def connection(self, user: str, refused: list[str] | None = None) -> AsyncIterator[Client]:
        """`refused` gets what the server refuses, in its words."""

        async def note(error: Exception) -> None:
            if refused is not None and VIOLATION in str(error).lower():
                refused.append(str(error))

        identity = self.identity(user)
        client = await nats.connect(
            self.config.nats(), nkeys_seed_str=identity.seed, inbox_prefix=identity.inbox, error_cb=note
        )
        try:
            yield client
        finally:
            await client.close()

    @asynccontextmanager
    async def stream(self, user: str) -> AsyncIterator[JetStream]:
        """As the service of this name has it."""
        stream = JetStream(self.config.nats(), user, MARKETPLACE, None, identity=self.identity(user))
        async with asyncio.timeout(10):
            await stream.connect()
        try:
            yield stream
        finally:
            await stream.close()


@asynccontextmanager
async def running(folder: Path, *, with_users: bool = True) -> AsyncIterator[Broker]:
    """With the streams declared."""
    config = from_env({"DATA_DIR": str(folder), "EDGE_PORT": str(free_edge())})
    seeds = own.seeds(config.data_dir)
    one = Broker(config, seeds)
    try:
        one.start(with_users=with_users)
        async with asyncio.timeout(10):
            await broker.declare(config, one.identity(ADMINISTRATOR))
        yield one
    finally:
        one.stop()
