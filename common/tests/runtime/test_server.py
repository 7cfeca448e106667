"""A service as a process: it answers, and ends in order."""

import asyncio
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from common.runtime.server import Server, server_config
from common.runtime.settings import ProxySettings, ServiceSettings
from tests.serving import served

FOLDER = Path(__file__).parents[2]


class Process:
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
def server() -> Iterator[Process]:
    server = Process()
    watchdog = threading.Timer(30, server.process.kill)
    watchdog.start()
    yield server
    watchdog.cancel()
    server.process.kill()
    server.process.communicate()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_a_process_that_is_stopped_finishes_its_request_and_ends_with_0(
    server: Process, how: signal.Signals
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


async def test_an_answer_without_an_end_does_not_hold_up_the_stop(server: Process) -> None:
    await server.ready()
    async with httpx.AsyncClient() as client, client.stream("GET", f"{server.url}/endless") as answer:
        lines = answer.aiter_lines()
        assert await anext(lines) == "begun"
        server.process.send_signal(signal.SIGTERM)

        # Only the handler itself sends this line: an answer that is cut off at the end of the grace has none.
        assert [line async for line in lines] == ["ended"]

    _, err = await asyncio.to_thread(server.process.communicate)
    assert "stopped in order" in err
    assert server.process.returncode == 0


async def test_a_server_does_not_tell_what_it_is() -> None:
    async with served(FastAPI()) as port, httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{port}/")

    assert "server" not in answer.headers


async def test_a_stop_goes_on_where_the_end_of_the_endless_answers_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ended = asyncio.Event()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        ended.set()

    def fail() -> None:
        raise RuntimeError("broken")

    server = Server(server_config(FastAPI(lifespan=lifespan), ServiceSettings(), ProxySettings()), fail)
    server.should_exit = True
    with socket.create_server(("127.0.0.1", 0)) as listening:
        await server.serve(sockets=[listening])

    assert ended.is_set()
    assert [record.exc_text for record in caplog.records if record.levelno == logging.ERROR] != []


def test_a_connection_stays_open_for_longer_than_a_proxy_keeps_it_idle() -> None:
    """Else the server would close it just as the proxy sends the next request, which then has no answer."""
    ingress_nginx = 60  # its upstream-keepalive-timeout, in seconds

    assert server_config(FastAPI(), ServiceSettings(), ProxySettings()).timeout_keep_alive > ingress_nginx
