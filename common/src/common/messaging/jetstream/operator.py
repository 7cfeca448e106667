"""An operator's command on the event stream: connects, declares nothing, works, closes."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

from common.base.errors import Unavailable
from common.messaging.jetstream.stream import JetStream
from common.messaging.nats_connection import Identity
from common.messaging.stream import StreamSpec

CONNECT_SECONDS = 15.0


async def operate(
    name: str,
    nats_url: str,
    spec: StreamSpec,
    work: Callable[[JetStream], Awaitable[int]],
    identity: Identity | None = None,
) -> int:
    """The exit code: that of `work`, or 1 with one line on stderr where the broker can't be reached.

    identity: The broker's administrator, where it has users.
    """
    stream = JetStream(nats_url, name, spec, identity=identity)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await stream.connect(declare=False)
        return await work(stream)
    except (TimeoutError, Unavailable) as error:
        sys.stderr.write(f"The event stream can't be reached: {error!r}\n")
        return 1
    finally:
        await stream.close()
