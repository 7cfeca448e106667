"""History for the store: events as if users had written for a while."""

import asyncio
from collections.abc import Sequence

from blog.events import (
    BLOG,
    CommentCreated,
    CommentModerated,
    CommentUpdated,
    Event,
    PostCreated,
    Status,
    publisher,
)
from common.messaging.jetstream.stream import JetStream

PER_POST = 5
WIDTH = 64


def history(posts: int, name: str = "post") -> Sequence[Event]:
    """Five events a post: the post and two comments, one of them moderated. Ids begin with `name`."""
    events: list[Event] = []
    for number in range(posts):
        post = f"{name}-{number}"
        comment = {"post_id": post, "content": f"A comment on {number}"}
        first = comment | {"id": f"{post}-first"}
        events += [
            PostCreated(id=post, title=f"Post {number}"),
            CommentCreated(**first),
            CommentModerated(**first, status=Status.APPROVED),
            CommentUpdated(**first, status=Status.APPROVED),
            CommentCreated(**comment, id=f"{post}-second"),
        ]
    return events


async def fill(nats: str, events: Sequence[Event]) -> None:
    """Stores the events of `history`: in order for each post, different posts concurrently.

    The message ids are those of the services, so that an event which a service publishes too is stored once.
    """
    stream, room = JetStream(nats, "history", BLOG), asyncio.Semaphore(WIDTH)
    await stream.connect()

    async def put(several: Sequence[Event]) -> None:
        async with room:
            for event in several:
                await publisher(type(event), "history", stream).publish(event)

    await asyncio.gather(*(put(events[at : at + PER_POST]) for at in range(0, len(events), PER_POST)))
    await stream.close()
