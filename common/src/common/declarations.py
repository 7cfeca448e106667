"""`python -m common.declarations list | narrow`: the subjects of the stream and its consumers."""

import asyncio
import sys

from common.contract.stream import MARKETPLACE
from common.messaging.jetstream.command import main, parse
from common.runtime.settings import BrokerSettings, load

if __name__ == "__main__":
    options = parse(sys.argv[1:])
    sys.exit(asyncio.run(main(options, load(BrokerSettings).nats_url, MARKETPLACE)))
