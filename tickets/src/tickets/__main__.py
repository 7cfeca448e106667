"""Commands: `python -m tickets` serves, `python -m tickets rebuild` rebuilds its replicas.

`python -m tickets restored` repairs a database that was restored from a backup, while no process serves.
"""

import sys

from common.contract.stream import MARKETPLACE
from common.persistence import mongo
from common.runtime.server import serve
from common.runtime.settings import load
from tickets.app import create_app
from tickets.settings import Settings

if __name__ == "__main__":
    settings = load(Settings)
    if sys.argv[1:] == ["rebuild"]:
        # Imported here, so that a serving process does not load it.
        from common.persistence.rebuild import command
        from tickets.rebuild import rebuild

        database = mongo.connect(settings.mongo_uri, "tickets")
        sys.exit(
            command(
                "tickets",
                settings.nats_url,
                MARKETPLACE,
                lambda stream: rebuild(stream, database),
                identity=settings.identity("tickets"),
            )
        )
    if sys.argv[1:] == ["restored"]:
        from common.persistence import roll_forward
        from tickets.restored import restored

        database = mongo.connect(settings.mongo_uri, "tickets")
        sys.exit(
            roll_forward.command(
                "tickets",
                settings.nats_url,
                MARKETPLACE,
                lambda stream: restored(stream, database),
                identity=settings.identity("tickets"),
            )
        )
    serve("tickets", create_app(settings), settings)
