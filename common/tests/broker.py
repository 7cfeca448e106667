"""A nats-server to kill, and what the tests of streams wait for."""

import asyncio
import shutil
import signal
import socket
import subprocess
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import pytest

from common.base.ids import new_id
from common.messaging.stream import MESSAGE_ID, ConsumerSpec, Delivery, Source, Stream

BINARY = Path(sysconfig.get_path("scripts")) / "nats-server"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class NatsServer:
    """On a free port; its store outlives `kill`."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder = folder
        self._options = options
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Returns once it accepts connections; no second one when it runs already."""
        if self._process is not None:
            return
        command = [str(BINARY), "-a", "127.0.0.1", "-p", str(self._port), "-js", "-sd", str(self._folder)]
        self._process = subprocess.Popen([*command, *self._options], stderr=subprocess.DEVNULL)  # noqa: ASYNC220  # returns at once
        async with asyncio.timeout(10):
            while not await self._accepts():
                await asyncio.sleep(0.01)

    def pause(self) -> None:
        """Answers nothing any more, and is there: until `resume` or `kill`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Goes on after `pause`, as after a stall."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def forget(self) -> None:
        """Loses its store, between `kill` and `start`."""
        shutil.rmtree(self._folder)

    async def _accepts(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True


def a_cluster(folder: Path, size: int) -> list[NatsServer]:
    """Servers that are one once enough of them have started."""
    routes = [f"nats://127.0.0.1:{free_port()}" for _ in range(size)]
    return [
        NatsServer(
            folder / str(number),
            *("--name", f"n{number}", "--cluster_name", "test"),
            *("--cluster", route, "--routes", ",".join(routes)),
        )
        for number, route in enumerate(routes)
    ]


def a_spec(durable: str = "tester", *subjects: str, ack_wait: float = 6.0) -> ConsumerSpec:
    return ConsumerSpec(durable, subjects or ("ticket.created.*",), ack_wait)


async def put(
    stream: Stream, data: str, subject: str = "ticket.created.1", message_id: str | None = None
) -> int:
    """Publishes `data` under an id of its own: servers remember ids for longer than a test lasts."""
    return await stream.publish(subject, data.encode(), {MESSAGE_ID: message_id or new_id()})


async def pulled(source: Source, count: int, within: float = 10.0) -> Sequence[Delivery]:
    """The next `count` deliveries."""
    found: list[Delivery] = []
    async with asyncio.timeout(within):
        while len(found) < count:
            found.extend(await source.pull(count - len(found)))
    return found


async def assert_silent(source: Source, seconds: float = 0.25) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(source.pull(1), seconds)


def texts(deliveries: Sequence[Delivery]) -> list[str]:
    return [delivery.data.decode() for delivery in deliveries]
