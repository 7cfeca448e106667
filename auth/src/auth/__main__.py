"""Commands: `python -m auth` serves, `python -m auth rebuild` rebuilds its replica.

`python -m auth restored` repairs a database that was restored from a backup, while no process serves.
"""

import sys

from auth.app import create_app
from auth.settings import Settings
from common.contract.stream import MARKETPLACE
from common.persistence import mongo
from common.runtime.server import serve
from common.runtime.settings import load

if __name__ == "__main__":
    settings = load(Settings)
    if sys.argv[1:] == ["rebuild"]:
        # Imported here, so that a serving process does not load it.
        from auth.rebuild import rebuild
        from common.persistence.rebuild import command

        database = mongo.connect(settings.mongo_uri, "auth")
        sys.exit(
            command(
                "auth",
                settings.nats_url,
                MARKETPLACE,
                lambda stream: rebuild(stream, database),
                identity=settings.identity("auth"),
            )
        )
    if sys.argv[1:] == ["restored"]:
        from auth.restored import restored
        from common.persistence import roll_forward

        database = mongo.connect(settings.mongo_uri, "auth")
        sys.exit(
            roll_forward.command(
                "auth",
                settings.nats_url,
                MARKETPLACE,
                lambda stream: restored(stream, database),
                identity=settings.identity("auth"),
            )
        )
    serve("auth", create_app(settings), settings)
