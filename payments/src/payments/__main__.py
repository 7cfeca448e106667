"""Commands: `python -m payments` serves, `python -m payments rebuild` rebuilds the orders' replica."""

import sys

from common.contract.stream import MARKETPLACE
from common.persistence import mongo
from common.runtime.server import serve
from common.runtime.settings import load
from payments.app import create_app
from payments.settings import Settings

if __name__ == "__main__":
    settings = load(Settings)
    if sys.argv[1:] == ["rebuild"]:
        # Imported here, so that the serving process doesn't load the module.
        from common.persistence.rebuild import command
        from payments.rebuild import rebuild

        database = mongo.connect(settings.mongo_uri, "payments")
        sys.exit(
            command("payments", settings.nats_url, MARKETPLACE, lambda stream: rebuild(stream, database))
        )
    serve("payments", create_app(settings), settings)
