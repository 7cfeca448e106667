"""`python -m common.declarations declare | list | narrow`: the marketplace's streams and consumers."""

import asyncio
import sys

from common.contract.stream import MARKETPLACE
from common.messaging.jetstream.command import main, parse
from common.messaging.jetstream.declarations import Storage
from common.runtime.settings import ADMINISTRATOR, StreamSettings, load

if __name__ == "__main__":
    options, settings = parse(sys.argv[1:]), load(StreamSettings)
    storage = Storage(settings.nats_stream_replicas, settings.nats_stream_max_bytes)
    identity = settings.identity(ADMINISTRATOR)
    sys.exit(asyncio.run(main(options, settings.nats_url, MARKETPLACE, identity, storage)))
