"""Serves an app until SIGTERM or SIGINT, then finishes the requests in progress."""

import gc
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE

from common.base import logs
from common.runtime.settings import ServiceSettings

GRACE_SECONDS = 10
GC_ALLOCATIONS = 20_000
"""Requests make few cycles: CPython's 700 would collect every dozen of them."""


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_stop()
        await super().shutdown(sockets)


def _nothing() -> None:
    """Every answer here ends by itself."""


def serve(name: str, app: FastAPI, settings: ServiceSettings, on_stop: Callable[[], None] = _nothing) -> None:
    """`on_stop` ends the answers that would go on for ever, before those under way are waited for.

    The lifespan is too late for it: it ends once every answer has.
    """
    logs.configure_logging(name, settings.log_level)
    # Once all is finished uvicorn raises the signal again: a stop that was asked for is no failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # Modules that are loaded by now stay: the garbage collector need not visit them again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=4096,
        # Longer than a proxy's idle time, so that the server never closes a connection under the proxy's
        # request.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = _Server(config, on_stop)
    # As uvicorn.run does, which takes no server of one's own.
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)
