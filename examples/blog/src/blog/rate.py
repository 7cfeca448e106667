"""`python -m blog.rate`: how fast a service that starts replays what happened, printed.

10,000 events of 2,000 posts and their comments are put into a store of its own; then a new process of `query`
is started, and is ready once it knows all of them.
"""

import asyncio
import io
import os
import sys
import tempfile
import time

from blog.events import STREAM_SUBJECTS, CommentCreated, CommentModerated, CommentUpdated, PostCreated, Status
from blog.run import Blog, running
from common.events import Event, wire_subject
from common.jetstream import JetStream
from common.stream import MESSAGE_ID
from infra.local.config import Config, from_env
from infra.local.ports import free_edge

POSTS = 2_000
WIDTH = 64


def history(posts: int) -> list[Event]:
    """Five events a post: itself, two comments, one of them moderated."""
    events: list[Event] = []
    for number in range(posts):
        post = f"post-{number}"
        told = {"post_id": post, "content": f"A comment on {number}"}
        first = told | {"id": f"first-{number}"}
        events += [
            PostCreated(id=post, title=f"Post {number}"),
            CommentCreated(**first, status=Status.PENDING),
            CommentModerated(**first, status=Status.APPROVED),
            CommentUpdated(**first, status=Status.APPROVED),
            CommentCreated(**told, id=f"second-{number}", status=Status.PENDING),
        ]
    return events


async def fill(nats: str, events: list[Event]) -> None:
    """In this order for each post; different posts side by side."""
    stream, room = JetStream(nats, "history", subjects=STREAM_SUBJECTS), asyncio.Semaphore(WIDTH)
    await stream.connect()

    async def put(several: list[Event]) -> None:
        async with room:
            for event in several:
                subject = wire_subject(event)
                await stream.publish(subject, event.to_json(), {MESSAGE_ID: subject})

    await asyncio.gather(*(put(events[at : at + 5]) for at in range(0, len(events), 5)))
    await stream.close()


async def replay(blog: Blog, name: str) -> float:
    """Seconds from the start of a new process of that service until it knows everything."""
    await blog.stop(name)
    began = time.monotonic()
    await blog.start(name)
    await blog.ready(name)
    return time.monotonic() - began


def a_config(folder: str) -> Config:
    return from_env({**os.environ, "DATA_DIR": folder, "EDGE_PORT": str(free_edge()), "LOG_LEVEL": "ERROR"})


async def main() -> None:
    events = history(POSTS)
    with tempfile.TemporaryDirectory() as folder:
        config = a_config(folder)
        async with running(config, io.StringIO()) as blog:
            empty = await replay(blog, "query")
            # So that nothing is added to what is measured.
            await blog.stop("moderation")
            await fill(config.nats(), events)
            full = await replay(blog, "query")
    rate = len(events) / max(full - empty, 0.001)
    print(f"query   ready after {full:.2f} s with {len(events):,} events, {empty:.2f} s with none")
    print(f"replay  {rate:,.0f} events/s")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
