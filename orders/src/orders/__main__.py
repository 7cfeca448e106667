"""Commands: `python -m orders` serves, `python -m orders rebuild` rebuilds its replicas.

`python -m orders restored` repairs a database that was restored from a backup, while no process serves.
"""

import sys

from common.contract.stream import MARKETPLACE
from common.persistence import mongo
from common.runtime.server import serve
from common.runtime.settings import load
from orders.app import create_app
from orders.settings import Settings

if __name__ == "__main__":
    settings = load(Settings)
    if sys.argv[1:] == ["rebuild"]:
        # Imported here, so that a serving process does not load it.
        from common.persistence.rebuild import command
        from orders.rebuild import rebuild

        database = mongo.connect(settings.mongo_uri, "orders")
        sys.exit(
            command(
                "orders",
                settings.nats_url,
                MARKETPLACE,
                lambda stream: rebuild(stream, database),
                identity=settings.identity("orders"),
            )
        )
    if sys.argv[1:] == ["restored"]:
        from common.persistence import roll_forward
        from orders.restored import restored

        database = mongo.connect(settings.mongo_uri, "orders")
        sys.exit(
            roll_forward.command(
                "orders",
                settings.nats_url,
                MARKETPLACE,
                lambda stream: restored(stream, database, settings.terms()),
                identity=settings.identity("orders"),
            )
        )
    serve("orders", create_app(settings), settings)
