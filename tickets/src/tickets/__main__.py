"""`python -m tickets` serves; `python -m tickets rebuild` rebuilds its replicas."""

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
        sys.exit(command("tickets", settings.nats_url, MARKETPLACE, lambda stream: rebuild(stream, database)))
    serve("tickets", create_app(settings), settings)
