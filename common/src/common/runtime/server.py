"""Serves an app until SIGTERM or SIGINT, then finishes the requests in progress."""

import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE

from common.base import logs
from common.runtime.protocol import protocol_of
from common.runtime.proxies import behind_proxies
from common.runtime.settings import ProxySettings, ServiceSettings, load

log = logging.getLogger(__name__)

GRACE_SECONDS = 10
"""Longest wait at a stop for the requests in progress."""
KEEP_ALIVE_SECONDS = 75
"""Idle time after which a connection is closed.

Longer than a proxy keeps one (ingress-nginx: 60 s), so that the server never closes a connection under the
proxy's request.
"""
GC_ALLOCATIONS = 20_000
"""Requests make few cycles: CPython's 700 would collect every dozen of them."""


class Server(uvicorn.Server):
    """uvicorn that calls `on_stop` first at a stop. The stop goes on if `on_stop` fails, which is logged."""

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            self._on_stop()
        except Exception:
            log.exception("answers without an end go on while the server stops")
        await super().shutdown(sockets)


def server_config(app: FastAPI, settings: ServiceSettings, proxies: ProxySettings) -> uvicorn.Config:
    return uvicorn.Config(
        behind_proxies(app, proxies.forwarded_allow_ips, proxies.forwarded_hops),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=protocol_of(app),
        proxy_headers=False,
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=4096,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _noop() -> None:
    """Stop of a service whose answers all have an end."""


def serve(name: str, app: FastAPI, settings: ServiceSettings, on_stop: Callable[[], None] = _noop) -> None:
    """Serves until SIGTERM or SIGINT. Ends the process with a code other than 0 if the start fails.

    on_stop: Ends the answers that have no end of their own. The server waits for every answer before it ends
        the lifespan, so the lifespan is too late for that.
    """
    proxies = load(ProxySettings)
    logs.configure_logging(name, settings.log_level)
    # Once all is finished uvicorn raises the signal again: a stop that was asked for is no failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # Modules that are loaded by now stay: the garbage collector need not visit them again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS)
    server = Server(server_config(app, settings, proxies), on_stop)
    # As uvicorn.run does, which takes no server of one's own.
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)
