"""`python -m blog.run.rate`: prints how fast a service that starts replays the stored events.

It stores 10,000 events of 2,000 posts and their comments in a separate store, then starts new processes of
`query`. Each is ready once it has replayed all events.
"""

import asyncio
import io
import statistics
import sys
import tempfile
import time

from blog.run.history import fill, history
from blog.run.laptop import Laptop, apart, running

POSTS = 2_000
RUNS = 5


async def replay(blog: Laptop, name: str) -> float:
    """Median time from the start of a new process of the service until it is ready, in seconds."""
    took = []
    for _ in range(RUNS):
        await blog.stop(name)
        began = time.monotonic()
        await blog.start(name)
        await blog.ready(name)
        took.append(time.monotonic() - began)
    return statistics.median(took)


async def main() -> None:
    events = history(POSTS)
    with tempfile.TemporaryDirectory() as folder:
        async with running(apart(folder), io.StringIO()) as blog:
            empty = await replay(blog, "query")
            # Moderation would add events to the measured ones.
            await blog.stop("moderation")
            await fill(blog.nats, events)
            full = await replay(blog, "query")
    rate = len(events) / max(full - empty, 0.001)
    print(f"query   ready after {full:.2f} s with {len(events):,} events, {empty:.2f} s with none")
    print(f"replay  {rate:,.0f} events/s")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
