"""The whole system: parallel start, readiness, record of the run, and stop in order."""

import asyncio
import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, TextIO

import aiohttp

from common.messaging.nats_connection import Identity
from common.runtime.settings import ADMINISTRATOR
from infra.dev import broker, edge, environment, keys, passwords, seeds, servers
from infra.dev.config import Config, private_data, write_private
from infra.dev.output import Output
from infra.dev.ports import DATABASES, MAIL, SERVICES, taken_message
from infra.dev.process import Supervised

WORKER = "worker"
MAILBOX = "mailbox"


class System:
    """The processes of one run. Start once, stop once."""

    def __init__(self, config: Config, stream: TextIO = sys.stdout) -> None:
        self._lock = self._claim(config.data_dir)
        config = self.config = passwords.with_users(config)
        if message := taken_message(config.ports, config.used_ports):
            raise SystemExit(message)
        names = ["edge", *SERVICES, WORKER, *config.own_servers, *self._helpers]
        self.output = Output(names, stream, servers.UNWANTED, config.for_people)
        # Somebody else's broker has its own users, or none.
        self._seeds = seeds.seeds(config.data_dir) if "nats" in config.own_servers else {}
        self.processes = {process.name: process for process in self._plan()}
        self._recording = False

    @property
    def record(self) -> Path:
        """Path of the file with this run's pids, ports and addresses."""
        return self.config.data_dir / "run.json"

    @property
    def administrator(self) -> Identity | None:
        """The administrator of this run's own broker."""
        return Identity(ADMINISTRATOR, self._seeds[ADMINISTRATOR]) if self._seeds else None

    @property
    def _helpers(self) -> list[str]:
        return [MAILBOX] if self.config.has_mailbox else []

    @staticmethod
    def _claim(data_dir: Path) -> IO[str]:
        """Lock the data folder for one run. The lock ends with the process, so a crash leaves no lock."""
        lock = (private_data(data_dir) / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(
                f"{data_dir} is in use by a system that runs: stop it, or set DATA_DIR and EDGE_PORT"
            ) from None
        return lock

    def _plan(self) -> Iterable[Supervised]:
        config = self.config
        plain = environment.system(config)
        for name in config.own_servers:
            # On SIGTERM, servers write their buffered data and end reliably.
            command = servers.prepare(name, config, self._seeds)
            yield self._supervised(name, command, plain, signal.SIGTERM)
        envs = environment.services(config, keys.kept(config.data_dir), self._seeds)
        for name in SERVICES:
            yield self._supervised(name, [sys.executable, "-m", name], envs[name])
        # Health checks do not use the worker's port here: any free port is suitable.
        worker_env = envs["expiration"] | {"PORT": "0"}
        yield self._supervised(WORKER, [sys.executable, "-m", "expiration", "worker"], worker_env)
        if config.has_mailbox:
            yield self._supervised(MAILBOX, _mailbox(config), plain)
        yield self._supervised("edge", edge.prepare(config), plain | edge.own_environment(config))

    def _supervised(
        self, name: str, command: list[str], env: dict[str, str], orphaned: signal.Signals = signal.SIGKILL
    ) -> Supervised:
        return Supervised(name, command, env, self.output, self._write_record, orphaned)

    async def start(self) -> None:
        """Start all processes at once: each waits by itself for the others that it needs."""
        for process in self.processes.values():
            await process.start()
        self._recording = True
        self._write_record()

    def _write_record(self) -> None:
        if not self._recording:
            return
        config = self.config
        content = {
            "pid": os.getpid(),
            "processes": {name: process.pid for name, process in self.processes.items()},
            "ports": dict(config.ports),
            "urls": {"edge": config.edge_url}
            | {name: f"http://127.0.0.1:{config.ports[name]}" for name in SERVICES}
            | {"nats": config.nats(), "redis": config.redis()}
            | {f"mongo_{name}": config.mongo(name) for name in DATABASES}
            | ({"mailbox": config.mailbox_url} if config.has_mailbox else {}),
        }
        # The addresses have passwords.
        write_private(self.record, json.dumps(content, indent=2))

    async def ready(self) -> None:
        """Wait until every service is ready and the edge answers; names the missing ones every 15 s."""
        async with asyncio.TaskGroup() as group:
            group.create_task(servers.prepared(self.config))
            group.create_task(broker.declare(self.config, self.administrator))
            group.create_task(self._answer())

    async def _answer(self) -> None:
        wanted = {name: f"http://127.0.0.1:{self.config.ports[name]}/readyz" for name in SERVICES}
        wanted["edge"] = f"{self.config.edge_url}/readyz"
        if self.config.has_mailbox:
            wanted[MAILBOX] = f"{self.config.mailbox_url}/mails.json"
        reported = time.monotonic()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as http:
            while wanted:
                answers = await asyncio.gather(
                    *(self._answers(http, name, url) for name, url in wanted.items())
                )
                wanted = {
                    name: url for (name, url), ok in zip(wanted.items(), answers, strict=True) if not ok
                }
                if wanted and time.monotonic() - reported > 15:
                    self.output.note(f"still waiting for {', '.join(wanted)}")
                    reported = time.monotonic()
                await asyncio.sleep(0.05 if wanted else 0)

    @staticmethod
    async def _answers(http: aiohttp.ClientSession, name: str, url: str) -> bool:
        """Whether the process is ready.

        The edge hides its services' /readyz: its own 404 proves that it serves.
        """
        with suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with http.get(url) as response:
                return response.status == (404 if name == "edge" else 200)
        return False

    async def stop(self) -> None:
        """Stop the edge first, so that no new request arrives; then the services; last the data servers.

        The page service (client) stops together with the edge. The edge waits for running answers, and the
        answers to open pages end only with that service.
        """
        self._recording = False
        others = [name for name in (*SERVICES, WORKER) if name != "client"]
        for group in (["edge", "client"], others, [*self.config.own_servers, *self._helpers]):
            await asyncio.gather(*(self.processes[name].stop() for name in group))
        self.record.unlink(missing_ok=True)
        self._lock.close()


def _mailbox(config: Config) -> list[str]:
    smtp, page = (str(config.ports[name]) for name in MAIL)
    return [sys.executable, "-m", "infra.mailbox", str(config.data_dir / "mail"), smtp, page]
