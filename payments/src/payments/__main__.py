"""Commands: `python -m payments` serves, `python -m payments rebuild` rebuilds the orders' replica.

`python -m payments restored` repairs a database that was restored from a backup, while no process serves.
"""

import sys

from common.contract.stream import MARKETPLACE
from common.persistence import mongo
from common.runtime.server import serve
from common.runtime.settings import load
from payments.app import create_app, gateway_of
from payments.settings import Settings

if __name__ == "__main__":
    settings = load(Settings)
    if sys.argv[1:] == ["rebuild"]:
        # Imported here, so that the serving process doesn't load the module.
        from common.persistence.rebuild import command
        from payments.rebuild import rebuild

        database = mongo.connect(settings.mongo_uri, "payments")
        sys.exit(
            command(
                "payments",
                settings.nats_url,
                MARKETPLACE,
                lambda stream: rebuild(stream, database),
                identity=settings.identity("payments"),
            )
        )
    if sys.argv[1:] == ["restored"]:
        from common.persistence import roll_forward
        from payments.restored import restored

        database = mongo.connect(settings.mongo_uri, "payments")
        gateway = gateway_of(settings, database)
        sys.exit(
            roll_forward.command(
                "payments",
                settings.nats_url,
                MARKETPLACE,
                lambda stream: restored(stream, database, gateway),
                identity=settings.identity("payments"),
            )
        )
    serve("payments", create_app(settings), settings)
