"""`python -m common.dead_letters list | show | replay | drop`: the dead letters of the marketplace."""

import asyncio
import sys

from common.contract.stream import MARKETPLACE
from common.messaging.dead_letters.command import main, parse
from common.runtime.settings import ADMINISTRATOR, BrokerSettings, load

if __name__ == "__main__":
    options, settings = parse(sys.argv[1:]), load(BrokerSettings)
    identity = settings.identity(ADMINISTRATOR)
    sys.exit(asyncio.run(main(options, settings.nats_url, MARKETPLACE, identity)))
