"""Serves an app until SIGTERM or SIGINT, then finishes what runs."""

import gc
import signal
import sys

import uvicorn
from fastapi import FastAPI

from common import telemetry
from common.settings import ServiceSettings

GRACE_SECONDS = 10
GC_ALLOCATIONS = 20_000
"""Requests make few cycles: CPython's 700 would collect every dozen of them."""


def serve(name: str, app: FastAPI, settings: ServiceSettings) -> None:
    telemetry.configure_logging(name, settings.log_level)
    # Once all is finished uvicorn raises the signal again: a stop that was asked for is no failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # What is loaded by now stays: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS)
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=4096,
        # Longer than a proxy keeps its side idle, so that it is never we who close under its request.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
