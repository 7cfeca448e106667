"""Shared parts of the blog's tests: events, a store in memory that holds them, and polling."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx

from blog.events import CommentCreated, CommentModerated, CommentUpdated, Event, PostCreated, Status
from blog.service import Broker
from common.messaging.events import wire_subject
from common.messaging.stream import MESSAGE_ID
from common.testing.fake_hints import FakeHints
from common.testing.fake_stream import FakeStream

POST = PostCreated(id="p1", title="Fruit")
PENDING = CommentCreated(id="c1", post_id="p1", content="I like apples")
APPROVED = CommentModerated(id="c1", post_id="p1", content="I like apples", status=Status.APPROVED)
UPDATED = CommentUpdated(**APPROVED.model_dump())


async def happen(stream: FakeStream, *events: Event) -> None:
    for event in events:
        await stream.publish(wire_subject(event), event.to_json(), {MESSAGE_ID: wire_subject(event)})


def broker(stream: FakeStream) -> Broker:
    return Broker(stream, FakeHints(stream))


def subjects(stream: FakeStream) -> list[str]:
    return [message.subject for message in stream.messages]


async def until(
    ask: Callable[[], Awaitable[httpx.Response]], condition: Callable[[httpx.Response], bool]
) -> httpx.Response:
    """Returns the first response that fulfils the condition. Raises TimeoutError after 10 s."""
    async with asyncio.timeout(10):
        while not condition(answer := await ask()):
            await asyncio.sleep(0.005)
    return answer


async def stored(stream: FakeStream, subject: str) -> None:
    """Returns once the stream has a message with this subject. Raises TimeoutError after 10 s."""
    async with asyncio.timeout(10):
        while subject not in subjects(stream):
            await asyncio.sleep(0.005)
