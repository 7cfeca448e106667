"""`python -m expiration` sets timers; `python -m expiration worker` fires them."""

import asyncio
import sys

from common import telemetry
from common.server import serve
from common.settings import load
from expiration import worker
from expiration.app import create_app
from expiration.settings import Settings

if __name__ == "__main__":
    settings = load(Settings)
    if sys.argv[1:] == ["worker"]:
        telemetry.configure_logging("expiration-worker", settings.log_level)
        asyncio.run(worker.run(settings))
    else:
        serve("expiration", create_app(settings), settings)
