"""`python -m common.dead_letters list | show | replay | drop`: the dead letters of the marketplace."""

import asyncio
import sys

from common.contract.stream import MARKETPLACE
from common.messaging.dead_letters.command import main, parse
from common.runtime.settings import NatsUrl, ServiceSettings, load


class Settings(ServiceSettings):
    nats_url: NatsUrl


if __name__ == "__main__":
    options = parse(sys.argv[1:])
    sys.exit(asyncio.run(main(options, load(Settings).nats_url, MARKETPLACE)))
