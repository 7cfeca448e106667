"""Two processes of each service and of the worker, each of its own version, behind one edge."""

import asyncio
import os
import signal
from collections import Counter
from dataclasses import dataclass

import aiohttp

from common.messaging.nats_connection import Identity
from common.runtime.settings import ADMINISTRATOR
from infra.dev import edge, environment, ports
from infra.dev.config import Config
from infra.dev.keys import Keys
from infra.dev.output import Output
from infra.dev.process import Supervised
from infra.dev.seeds import Seeds
from infra.dev.system import WORKER
from infra.verify.readiness import is_ready
from infra.verify.rollout import balancer
from infra.verify.rollout.versions import Version

COPIES = 2
KINDS = (*ports.SERVICES, WORKER)
MEMBERS = tuple(f"{kind}-{copy}" for kind in KINDS for copy in range(1, COPIES + 1))
PORT_NAMES = (*ports.NAMES, *MEMBERS)
DRAIN_SECONDS = 0.3
"""Between a process's last new request and its stop; requests in progress end after that, too."""
READY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Restart:
    """Replacement of one process by its successor. `kill`: by SIGKILL in place of a graceful stop."""

    member: str
    kill: bool


class NotReady(RuntimeError):
    """Process that serves nothing a minute after its start."""


class Fleet:
    """The running processes. `config.ports` has a port for each of `PORT_NAMES`."""

    def __init__(self, config: Config, output: Output, keys: Keys, seeds: Seeds | None = None) -> None:
        """seeds: Those of the broker's users, where it has users."""
        self._config = config
        self._output = output
        self._seeds = seeds or {}
        self._environments = environment.services(config, keys, self._seeds)
        self._members: dict[str, Supervised] = {}
        self._spawned: Counter[str] = Counter()
        self._wanted: Counter[str] = Counter()
        pairs = {
            service: [(name, config.ports[name]) for name in MEMBERS if kind_of(name) == service]
            for service in ports.SERVICES
        }
        plain = environment.system(config) | edge.own_environment(config)
        self._edge = Supervised("edge", balancer.prepare(config, pairs), plain, output, lambda: None)

    @property
    def administrator(self) -> Identity | None:
        """The broker's administrator, where it has users."""
        return Identity(ADMINISTRATOR, self._seeds[ADMINISTRATOR]) if self._seeds else None

    async def start(self, version: Version) -> None:
        """Start every process in this version, and wait until all are ready."""
        await self.declare(version)
        await self._edge.start()
        for member in MEMBERS:
            await self._start(member, version)
        await asyncio.gather(*map(self._ready, MEMBERS))

    async def declare(self, version: Version) -> None:
        """Declare what this version needs of the streams, as an operator does before its rollout.

        Raises NotReady if it fails.
        """
        admin = {"NATS_SEED": self._seeds[ADMINISTRATOR]} if self._seeds else {}
        env = {**environment.system(self._config), **version.environment(), **admin}
        job = await asyncio.create_subprocess_exec(
            *(version.python, "-m", "common.declarations", "declare"),
            env={**env, "NATS_URL": self._config.nats()},
            stdout=asyncio.subprocess.DEVNULL,
        )
        if await job.wait() != 0:
            raise NotReady(f"{version.name} can't declare its streams")

    async def replace(self, restart: Restart, version: Version) -> None:
        """Stop a process and start its successor on the same port; returns once that is ready."""
        member, old = restart.member, self._members[restart.member]
        mark = balancer.leaving(self._config) / member
        if restart.kill and old.pid is not None:
            os.killpg(old.pid, signal.SIGKILL)
        else:
            mark.touch()
            await asyncio.sleep(DRAIN_SECONDS)
        await old.stop()
        await self._start(member, version)
        await self._ready(member)
        mark.unlink(missing_ok=True)

    def change_keys(self, keys: Keys) -> None:
        """The keys of the processes that start from now on."""
        self._environments = environment.services(self._config, keys)

    async def stop(self) -> None:
        pages = [name for name in self._members if kind_of(name) == "client"]
        await asyncio.gather(self._edge.stop(), *(self._members[name].stop() for name in pages))
        await asyncio.gather(*(process.stop() for process in self._members.values()))

    def crashes(self) -> Counter[str]:
        """Number of ends without a replacement, by process."""
        return self._spawned - self._wanted

    async def _start(self, member: str, version: Version) -> None:
        kind = kind_of(member)
        service = "expiration" if kind == WORKER else kind
        env = {**self._environments[service], **version.environment()}
        process = Supervised(
            member,
            [version.python, "-m", service, *([WORKER] if kind == WORKER else [])],
            {**env, "PORT": str(self._config.ports[member])},
            self._output,
            lambda: self._spawned.update([member]),
        )
        self._members[member] = process
        self._wanted[member] += 1
        await process.start()

    async def _ready(self, member: str) -> None:
        """Wait until the process is ready. Raises NotReady after a minute."""
        url = f"http://127.0.0.1:{self._config.ports[member]}/readyz"
        try:
            async with asyncio.timeout(READY_SECONDS), aiohttp.ClientSession() as http:
                while not await is_ready(http, url):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise NotReady(f"{member} is not ready after {READY_SECONDS:g} s") from None


def kind_of(member: str) -> str:
    return member.rpartition("-")[0]


def free_ports() -> ports.Ports:
    return ports.from_edge(ports.free_edge(names=PORT_NAMES), PORT_NAMES)
