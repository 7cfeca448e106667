"""A system of one test: its services and servers can be stopped, and its databases replaced."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from infra.actors.api import Api
from infra.dev.config import Config, from_env
from infra.dev.ports import free_edge
from infra.dev.system import System
from infra.verify.reconcile import addresses
from infra.verify.reconcile.report import Report
from infra.verify.reconcile.view import opened, settled

READY_SECONDS = 120.0
_OF_THE_CALLER = ("MONGO_URI", "NATS_URL", "REDIS_URL")


def configuration(folder: Path, **settings: str) -> Config:
    """On free ports, with a hold of five seconds unless `settings` has another."""
    kept = {name: value for name, value in os.environ.items() if name not in _OF_THE_CALLER}
    own = {"DATA_DIR": str(folder), "EDGE_PORT": str(free_edge()), "LOG_FORMAT": "json"}
    return from_env({"ORDER_HOLD_SECONDS": "5", "LOG_LEVEL": "WARNING", **kept, **own, **settings})


@asynccontextmanager
async def running(config: Config, before: Callable[[], None] = lambda: None) -> AsyncIterator[System]:
    """Ready at first. Its log is `log` in its folder. `before` runs when the servers' files are written."""
    config.data_dir.mkdir(parents=True, exist_ok=True)
    with (config.data_dir / "log").open("w") as log:
        system = await asyncio.to_thread(System, config, log)
        before()
        try:
            await system.start()
            await asyncio.wait_for(system.ready(), READY_SECONDS)
            yield system
        finally:
            await system.stop()


@asynccontextmanager
async def users_of(system: System) -> AsyncIterator[Api]:
    async with Api(system.config.edge_url, connections=50, retry_for=20.0) as api:
        yield api


async def agreement(system: System, seconds: float = 60.0) -> Report:
    """The first comparison without a disagreement, or the last one within `seconds`."""
    async with opened(addresses.of_record(system.record)) as view:
        return (await settled(view, seconds))[0]


def environment_of(system: System, service: str) -> Mapping[str, str]:
    return system.processes[service].env
