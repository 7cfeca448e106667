"""Guarantees of all services by `service.py`: no response from half a state, no stop by a forged message."""

import asyncio
import inspect
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from types import ModuleType

import httpx
import pytest
from fastapi import FastAPI

from blog import comments, moderation, page, posts, query, store
from blog.service import Broker
from blog.settings import ModerationSettings
from common.testing.answers import message_of
from common.testing.browser import BASE_URL, running
from common.testing.fake_stream import FakeStream
from tests.builders import APPROVED, PENDING, POST, broker, happen, subjects, until

Create = Callable[[Broker], FastAPI]
ALL = [
    pytest.param(posts.create_app, "/posts", id="posts"),
    pytest.param(comments.create_app, "/posts/p1/comments", id="comments"),
    pytest.param(query.create_app, "/posts", id="query"),
]


@pytest.mark.parametrize(("create", "path"), ALL)
async def test_a_state_that_is_still_being_replayed_answers_nothing(
    stream: FakeStream, create: Create, path: str
) -> None:
    await happen(stream, POST)
    stream.up = False
    app = create(broker(stream))
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client,
    ):
        assert message_of(await client.get(path), 503) == "Still replaying what happened"
        assert message_of(
            await client.post("/posts/p1/comments", json={"content": "x"}), 503 if "comm" in path else 404
        )

        stream.up = True

        await until(lambda: client.get(path), lambda answer: answer.status_code == 200)


async def test_a_forged_message_stops_no_service(stream: FakeStream) -> None:
    await stream.publish("post.created.x", b"not json", {})
    await stream.publish("post.created.x", POST.model_copy(update={"id": "another"}).to_json(), {})
    await stream.publish("comment.updated.y", b'{"id": "other"}', {})
    await stream.publish(
        "comment.created.c9", b'{"id":"c9","postId":"p9","content":"x","status":"approved"}', {}
    )
    await happen(stream, APPROVED, PENDING.model_copy(update={"post_id": "p9"}), POST)
    async with running(query.create_app(broker(stream))) as client:
        assert (await client.get("/posts")).json() == [{"id": "p1", "title": "Fruit", "comments": []}]
    async with running(comments.create_app(broker(stream))) as client:
        assert (await client.get("/posts/p1/comments")).json() == []
        # A comment on an unknown post creates no post.
        assert message_of(await client.get("/posts/p9/comments"), 404) == "Not found"


async def test_two_processes_of_each_service_agree_and_publish_each_event_once(stream: FakeStream) -> None:
    settings = ModerationSettings(nats_url="nats://unused")
    async with AsyncExitStack() as stack:

        async def two(create: Create) -> list[httpx.AsyncClient]:
            return [await stack.enter_async_context(running(create(broker(stream)))) for _ in range(2)]

        await happen(stream, POST)
        owners, views = await two(comments.create_app), await two(query.create_app)
        await two(lambda broker: moderation.create_app(broker, settings))
        written = [owners[n % 2].post("/posts/p1/comments", json={"content": str(n)}) for n in range(40)]
        assert {answer.status_code for answer in await asyncio.gather(*written)} == {201}
        for processes, path in ((owners, "/posts/p1/comments"), (views, "/posts")):
            answers = [
                await until(partial(one.get, path), lambda a: "pending" not in a.text) for one in processes
            ]
            assert answers[0].text == answers[1].text
            assert answers[0].headers.get("etag") == answers[1].headers.get("etag")
    kinds = [subject.rpartition(".")[0] for subject in subjects(stream)]
    assert [kinds.count(f"comment.{kind}") for kind in ("created", "moderated", "updated")] == [40, 40, 40]


@pytest.mark.parametrize("module", [posts, comments, moderation, query, store, page])
def test_a_service_is_read_in_a_minute(module: ModuleType) -> None:
    """Limit of the README: each service is under a hundred lines."""
    assert len(inspect.getsource(module).splitlines()) < 100
