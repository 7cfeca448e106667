"""Runs broker, services and edge as processes of this machine, with the marketplace's tools."""

import asyncio
import os
import signal
import sys
import sysconfig
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import aiohttp

from blog.__main__ import SERVICES
from infra.dev import environment, ports, servers
from infra.dev.config import Config, from_env
from infra.dev.output import Output
from infra.dev.process import Supervised

NAMES = ("edge", *SERVICES, "nats")
DEFAULTS = {"EDGE_PORT": "8180", "DATA_DIR": ".data/blog"}
CHOICES = ("LOG_LEVEL", "BLOCKED_WORDS", "MODERATION_SECONDS")
ROUTES = {"/posts/create": "posts", "/posts": "query", "/posts/*/comments": "comments", "*": "client"}
"""Service by path, as Caddy matches it. The store has no route: it accepts events from any caller."""
READY_SECONDS = 60

_EDGE = """{{
	admin off
	auto_https off
	persist_config off
	skip_install_trust
	log {{
		level ERROR
	}}
}}
http://:{port} {{
	bind 127.0.0.1
{routes}}}
"""
_ROUTE = """	handle {path} {{
		reverse_proxy 127.0.0.1:{port} {{
			transport http {{
				keepalive 3s
			}}
		}}
	}}
"""


@dataclass(frozen=True)
class Laptop:
    """A `blog.run.blog.Blog` that restarts a process which dies."""

    edge: str
    ports: Mapping[str, int]
    processes: dict[str, Supervised]

    @property
    def address(self) -> str:
        return self.edge

    @property
    def nats(self) -> str:
        return f"nats://127.0.0.1:{self.ports['nats']}"

    async def own(self, name: str, path: str) -> Any:
        async with aiohttp.ClientSession(self._at(name), raise_for_status=True) as http:
            return await (await http.get(path)).json()

    async def kill(self, name: str) -> None:
        process = self.processes[name]
        killed = process.pid
        if killed is not None:
            os.kill(killed, signal.SIGKILL)
        while process.pid == killed:
            await asyncio.sleep(0.005)

    async def stop(self, name: str) -> None:
        await self.processes[name].stop()

    async def start(self, name: str) -> None:
        old = self.processes[name]
        self.processes[name] = Supervised(name, old.command, old.env, old.output, old.changed)
        await self.processes[name].start()

    async def whole(self) -> None:
        for name in self.processes:
            if self.processes[name].is_stopped:
                await self.start(name)
        await self.ready()

    async def ready(self, *names: str) -> None:
        async with aiohttp.ClientSession() as http, asyncio.timeout(READY_SECONDS):
            for name in names or SERVICES:
                while not await _answers(http, f"{self._at(name)}/readyz"):
                    await asyncio.sleep(0.02)

    def _at(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"


async def _answers(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(url) as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


def chosen(env: Mapping[str, str]) -> Config:
    """Configuration from the runner's environment. NATS_URL is ignored: the blog has its own store."""
    return from_env(DEFAULTS | {name: value for name, value in env.items() if name != "NATS_URL"})


def apart(folder: str) -> Config:
    """Configuration of a separate blog, for tests and measurements: its own folder and free ports."""
    own = {"DATA_DIR": folder, "EDGE_PORT": str(ports.free_edge()), "LOG_LEVEL": "ERROR"}
    return chosen({**os.environ, **own})


@asynccontextmanager
async def running(config: Config, stream: TextIO = sys.stdout) -> AsyncIterator[Laptop]:
    """Starts the blog, and yields it once it is ready. Raises SystemExit with one line if a port is taken."""
    plan = ports.from_edge(config.ports["edge"], NAMES)
    if taken := ports.taken_message(plan, NAMES):
        raise SystemExit(taken)
    config.data_dir.mkdir(parents=True, exist_ok=True)
    commands = {
        "nats": servers.prepare("nats", config),
        **{name: [sys.executable, "-m", "blog", name] for name in SERVICES},
        "edge": _edge(config.data_dir, plan),
    }
    output = Output(list(commands), stream, servers.UNWANTED)
    processes: dict[str, Supervised] = {}
    try:
        for name, command in commands.items():
            env = _environment(config, plan[name])
            processes[name] = Supervised(name, command, env, output, lambda: None)
            await processes[name].start()
        blog = Laptop(config.edge_url, plan, processes)
        await blog.ready()
        yield blog
    finally:
        for name in ("edge", *SERVICES, "nats"):
            if name in processes:
                await processes[name].stop()


def _edge(folder: Path, plan: Mapping[str, int]) -> list[str]:
    """Writes the Caddyfile with the routes, and returns the command of the edge."""
    routes = "".join(_ROUTE.format(path=path, port=plan[name]) for path, name in ROUTES.items())
    caddyfile = folder / "Caddyfile"
    caddyfile.write_text(_EDGE.format(port=plan["edge"], routes=routes))
    caddy = str(Path(sysconfig.get_path("scripts")) / "caddy")
    return [caddy, "run", "--config", str(caddyfile), "--adapter", "caddyfile"]


def _environment(config: Config, port: int) -> dict[str, str]:
    folder = str(config.data_dir)
    own = {"PORT": str(port), "HOST": "127.0.0.1", "NATS_URL": config.nats(), "API_BASE_URL": config.edge_url}
    kept = {"XDG_DATA_HOME": folder, "XDG_CONFIG_HOME": folder}
    passed = {name: config.passed_on[name] for name in CHOICES if name in config.passed_on}
    return environment.system(config) | passed | own | kept
