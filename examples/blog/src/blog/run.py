"""`make blog`: broker, services and edge on this machine until Ctrl-C, by the marketplace's means."""

import asyncio
import os
import signal
import sys
import sysconfig
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import aiohttp

from blog.__main__ import SERVICES
from infra.local import environment, servers
from infra.local.config import Config, from_env
from infra.local.output import Output
from infra.local.process import Supervised

EDGE_PORT = "8180"
CHOICES = ("LOG_LEVEL", "BLOCKED_WORDS", "MODERATION_SECONDS")
EDGE = """{{
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
	handle /posts/create {{
		reverse_proxy 127.0.0.1:{posts}
	}}
	handle /posts {{
		reverse_proxy 127.0.0.1:{query}
	}}
	handle /posts/*/comments {{
		reverse_proxy 127.0.0.1:{comments}
	}}
	handle /events {{
		reverse_proxy 127.0.0.1:{events}
	}}
	handle {{
		reverse_proxy 127.0.0.1:{client}
	}}
}}
"""


@dataclass(frozen=True)
class Blog:
    """Running. `processes` by name: each can be stopped, killed and started."""

    edge: str
    ports: Mapping[str, int]
    processes: dict[str, Supervised]

    async def stop(self, name: str) -> None:
        await self.processes[name].stop()

    async def start(self, name: str) -> None:
        """Once it was stopped."""
        old = self.processes[name]
        self.processes[name] = Supervised(name, old.command, old.env, old.output, old.changed)
        await self.processes[name].start()

    async def ready(self, *names: str) -> None:
        """Returns once these services, or all, have replayed what happened."""
        async with aiohttp.ClientSession() as http, asyncio.timeout(60):
            for name in names or SERVICES:
                while not await _answers(http, f"http://127.0.0.1:{self.ports[name]}/readyz"):
                    await asyncio.sleep(0.02)


async def _answers(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(url) as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


@asynccontextmanager
async def running(config: Config, stream: TextIO = sys.stdout) -> AsyncIterator[Blog]:
    """`config` as the marketplace's runner has it; of its servers only NATS is started."""
    ports = {name: config.ports["edge"] + 1 + at for at, name in enumerate(SERVICES)}
    ports["nats"] = config.ports["nats"]
    config.data_dir.mkdir(parents=True, exist_ok=True)
    caddyfile = config.data_dir / "Caddyfile"
    caddyfile.write_text(EDGE.format(port=config.ports["edge"], **ports))
    caddy = str(Path(sysconfig.get_path("scripts")) / "caddy")
    commands = {
        "nats": servers.prepare("nats", config),
        **{name: [sys.executable, "-m", "blog", name] for name in SERVICES},
        "edge": [caddy, "run", "--config", str(caddyfile), "--adapter", "caddyfile"],
    }
    output = Output(list(commands), stream, servers.UNWANTED)
    processes: dict[str, Supervised] = {}
    try:
        for name, command in commands.items():
            own = {
                "PORT": str(ports.get(name, 0)),
                "HOST": "127.0.0.1",
                "NATS_URL": config.nats(),
                "API_BASE_URL": config.edge_url,
                "XDG_DATA_HOME": str(config.data_dir),
                "XDG_CONFIG_HOME": str(config.data_dir),
            }
            chosen = {name: config.passed_on[name] for name in CHOICES if name in config.passed_on}
            env = environment.system(config) | chosen | own
            processes[name] = Supervised(name, command, env, output, lambda: None)
            await processes[name].start()
        blog = Blog(config.edge_url, ports, processes)
        await blog.ready()
        yield blog
    finally:
        for name in ("edge", *SERVICES, "nats"):
            if name in processes:
                await processes[name].stop()


async def main() -> None:
    config = from_env({"EDGE_PORT": EDGE_PORT, "DATA_DIR": ".data/blog", **os.environ})
    stop = asyncio.Event()
    for sent in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sent, stop.set)
    async with running(config) as blog:
        print(f"── the blog is at {blog.edge}  (Ctrl-C stops it)", flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
