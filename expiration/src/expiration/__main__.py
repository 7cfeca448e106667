"""`python -m expiration` sets timers; `python -m expiration worker` fires them.

`python -m expiration rebuild` sets the timers that Redis lost.
"""

import sys

from common.contract.stream import MARKETPLACE
from common.runtime.server import serve
from common.runtime.settings import load
from expiration import timers
from expiration.app import create_app, create_worker_app
from expiration.settings import Settings

if __name__ == "__main__":
    settings = load(Settings)
    if sys.argv[1:] == ["worker"]:
        serve("expiration-worker", create_worker_app(settings), settings)
    elif sys.argv[1:] == ["rebuild"]:
        # Imported here, so that a serving process does not load it.
        from common.persistence.rebuild import command
        from expiration.rebuild import rebuild

        own = timers.Timers(timers.connect(settings.redis_url))
        sys.exit(
            command(
                "expiration",
                settings.nats_url,
                MARKETPLACE,
                lambda stream: rebuild(stream, own),
                identity=settings.identity("expiration"),
            )
        )
    else:
        serve("expiration", create_app(settings), settings)
