"""Serving without a socket: the configuration of uvicorn, and how the process begins and ends."""

import gc
import signal
from collections.abc import Callable
from types import FrameType

import pytest
import uvicorn
from fastapi import FastAPI

from common.base import logs
from common.http.middleware import API_HEADERS
from common.runtime.protocol import Protocol
from common.runtime.proxies import NearestHops
from common.runtime.server import (
    GC_ALLOCATIONS,
    GRACE_SECONDS,
    KEEP_ALIVE_SECONDS,
    Server,
    serve,
    server_config,
)
from common.runtime.settings import ProxySettings, ServiceSettings

SETTINGS = ServiceSettings(host="127.0.0.9", port=8123, log_level="ERROR")


def test_uvicorn_listens_where_the_settings_say_and_leaves_logs_and_proxies_to_the_app() -> None:
    app = FastAPI()
    app.state.headers = ((b"x-own", b"1"),)

    config = server_config(app, SETTINGS, ProxySettings(forwarded_allow_ips="*", forwarded_hops=2))

    assert (config.host, config.port, config.loop) == ("127.0.0.9", 8123, "uvloop")
    assert isinstance(config.app, NearestHops)
    assert config.app._hops == 2
    assert isinstance(config.http, type)
    assert issubclass(config.http, Protocol)
    assert config.http.own_headers == app.state.headers
    assert (config.proxy_headers, config.access_log, config.server_header) == (False, False, False)
    assert config.log_config is None
    assert config.backlog == 4096
    assert config.timeout_keep_alive == KEEP_ALIVE_SECONDS
    assert config.timeout_graceful_shutdown == GRACE_SECONDS


def test_an_app_without_headers_of_its_own_gets_those_of_an_api() -> None:
    http = server_config(FastAPI(), SETTINGS, ProxySettings()).http

    assert isinstance(http, type)
    assert issubclass(http, Protocol)
    assert http.own_headers == API_HEADERS


class Run:
    """In place of uvicorn's loop. `outcome`: Called in it."""

    def __init__(self) -> None:
        self.server: Server | None = None
        self.outcome: Callable[[], None] = lambda: None
        self.starts = True
        self.logging: list[tuple[str, str]] = []
        self.thresholds: list[int] = []
        self.handlers: dict[int, Callable[[int, FrameType | None], object]] = {}

    def run(self, server: Server) -> None:
        self.server = server
        server.started = self.starts
        self.outcome()


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Run:
    process = Run()
    monkeypatch.setattr(uvicorn.Server, "run", lambda server: process.run(server))
    monkeypatch.setattr(logs, "configure_logging", lambda name, level: process.logging.append((name, level)))
    monkeypatch.setattr(gc, "freeze", lambda: None)
    monkeypatch.setattr(gc, "set_threshold", process.thresholds.append)
    monkeypatch.setattr(signal, "signal", process.handlers.__setitem__)
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    return process


def on_stop() -> None:
    """Of a service with answers that have no end."""


def test_a_service_is_served_with_its_settings_under_its_name(process: Run) -> None:
    app = FastAPI()

    serve("orders", app, SETTINGS, on_stop)

    assert process.server is not None
    assert process.server._on_stop is on_stop
    assert process.server.config.port == 8123
    assert isinstance(process.server.config.app, NearestHops)
    assert process.logging == [("orders", "ERROR")]
    assert process.thresholds == [GC_ALLOCATIONS]


def test_a_stop_that_was_asked_for_is_no_failure(process: Run) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    process.outcome = interrupt
    serve("orders", FastAPI(), SETTINGS)

    with pytest.raises(SystemExit) as ended:
        process.handlers[signal.SIGTERM](signal.SIGTERM, None)
    assert ended.value.code == 0


def test_a_failed_start_ends_the_process_with_a_code(process: Run) -> None:
    process.starts = False

    with pytest.raises(SystemExit) as ended:
        serve("orders", FastAPI(), SETTINGS)
    assert ended.value.code == 3
