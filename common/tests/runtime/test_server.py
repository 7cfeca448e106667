"""A service as a process: it answers, and ends in order."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from common.runtime.server import GRACE_SECONDS

FOLDER = Path(__file__).parents[2]


class Server:
    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.slow_app", str(port)],
            cwd=FOLDER,
            env={"PATH": os.environ["PATH"]},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    async def ready(self) -> None:
        async with asyncio.timeout(20), httpx.AsyncClient() as client:
            while True:
                try:
                    await client.get(f"{self.url}/healthz")
                    return
                except httpx.TransportError:
                    await asyncio.sleep(0.02)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    watchdog = threading.Timer(30, server.process.kill)
    watchdog.start()
    yield server
    watchdog.cancel()
    server.process.kill()
    server.process.communicate()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_a_process_that_is_stopped_finishes_its_request_and_ends_with_0(
    server: Server, how: signal.Signals
) -> None:
    await server.ready()
    async with httpx.AsyncClient() as client:
        answering = asyncio.create_task(client.put(f"{server.url}/slow", timeout=10))
        assert server.process.stderr is not None
        assert await asyncio.to_thread(server.process.stderr.readline) == "under way\n"

        server.process.send_signal(how)
        answer = await answering

    assert (answer.status_code, answer.json()) == (200, {"finished": "yes"})
    out, err = await asyncio.to_thread(server.process.communicate)
    assert "stopped in order" in err
    assert "Traceback" not in err
    assert server.process.returncode == 0
    lines = [json.loads(line) for line in out.splitlines()]
    assert {line["service"] for line in lines} == {"slow"}
    (request,) = [line for line in lines if line["logger"] == "request"]
    assert request["request_id"] == answer.headers["x-request-id"]


async def test_an_answer_without_an_end_does_not_hold_up_the_stop(server: Server) -> None:
    await server.ready()
    async with httpx.AsyncClient() as client, client.stream("GET", f"{server.url}/endless") as answer:
        lines = answer.aiter_lines()
        assert await anext(lines) == "begun"
        server.process.send_signal(signal.SIGTERM)
        asked = time.monotonic()

        assert [line async for line in lines] == ["ended"]

    _, err = await asyncio.to_thread(server.process.communicate)
    assert "stopped in order" in err
    assert server.process.returncode == 0
    assert time.monotonic() - asked < GRACE_SECONDS / 2


async def test_a_server_does_not_tell_what_it_is(server: Server) -> None:
    await server.ready()
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{server.url}/healthz")

    assert "server" not in answer.headers
