"""What the tests of expiration build on."""

import asyncio
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from common.base import times
from common.base.errors import Unavailable
from common.base.ids import new_id
from common.base.money import Money
from common.contract.events import OrderCompleted, OrderCreated, OrderDelivered, OrderedTicket, TicketRef
from common.messaging.stream import Stream
from expiration import timers
from expiration.publishers import DeadlinePassedPublisher, ExpirationCompletePublisher
from expiration.settings import Settings
from expiration.timers import Deadline, Timers
from expiration.worker import Publishers, work


def settings(redis_url: str = "redis://unused", nats_url: str = "nats://unused") -> Settings:
    return Settings(redis_url=redis_url, nats_url=nats_url)


def soon(seconds: float = 0.0) -> datetime:
    return times.to_millis(times.now() + timedelta(seconds=seconds))


def order_created(order_id: str | None = None, expires_at: datetime | None = None) -> OrderCreated:
    return OrderCreated(
        id=order_id or new_id(),
        version=0,
        status="created",
        user_id=new_id(),
        expires_at=expires_at or soon(900),
        ticket=OrderedTicket(id=new_id(), price=Money(2000)),
    )


def publishers(stream: Stream) -> Publishers:
    return Publishers(ExpirationCompletePublisher(stream), DeadlinePassedPublisher(stream))


def order_completed(deliver_by: datetime | None, accept_by: datetime | None = None) -> OrderCompleted:
    ticket = TicketRef(id=new_id())
    return OrderCompleted(id=new_id(), version=1, ticket=ticket, deliver_by=deliver_by, accept_by=accept_by)


def order_delivered(order_id: str, accept_by: datetime) -> OrderDelivered:
    ticket = TicketRef(id=new_id())
    return OrderDelivered(id=order_id, version=2, ticket=ticket, seller_id="s", accept_by=accept_by)


class FakeTimers(Timers):
    """`due` is what was set; `up = False` makes it refuse, as Redis does when it is down."""

    def __init__(self) -> None:
        super().__init__(timers.connect("redis://unused"))
        self.up = True
        self.due: dict[str, datetime] = {}
        self.deadlines: dict[str, Deadline] = {}

    async def set(self, order_id: str, due: datetime) -> None:
        if not self.up:
            raise Unavailable("The timers are down")
        self.due.setdefault(order_id, due)

    async def set_deadline(self, deadline: Deadline) -> None:
        await self.set(deadline.job_id, deadline.due)
        self.deadlines.setdefault(deadline.job_id, deadline)

    async def is_up(self) -> bool:
        return self.up


@asynccontextmanager
async def working(redis_url: str, stream: Stream) -> AsyncIterator[None]:
    """A worker in this process, which publishes on `stream`."""
    task = asyncio.create_task(work(settings(redis_url), publishers(stream)))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class RedisServer:
    """On a free port, with AOF as in production; its file outlives `kill`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port: int = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    async def start(self) -> None:
        """Returns once it answers."""
        binary = shutil.which("redis-server")
        if binary is None:
            pytest.skip("no redis-server on PATH to kill")
        options = {"bind": "127.0.0.1", "port": self._port, "dir": self._folder, "save": ""}
        durable = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
        words = [word for name, value in (options | durable).items() for word in (f"--{name}", str(value))]
        self._process = subprocess.Popen([binary, *words], stdout=subprocess.DEVNULL)  # noqa: ASYNC220  # at once
        own = Timers(timers.connect(self.url))
        async with asyncio.timeout(10):
            while not await own.is_up():
                await asyncio.sleep(0.01)
        await own.close()

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class WorkerProcess:
    """`python -m expiration worker`."""

    def __init__(self, redis_url: str, nats_url: str) -> None:
        # Port 0: any free port: no test asks the worker.
        self._environment = {"REDIS_URL": redis_url, "NATS_URL": nats_url, "PORT": "0"}
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> "WorkerProcess":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "expiration", "worker"),
            env=self._environment,
            stdout=asyncio.subprocess.DEVNULL,
        )

    async def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None

    async def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        assert self._process is not None
        self._process.terminate()
        code = await asyncio.wait_for(self._process.wait(), 10)
        self._process = None
        return code
