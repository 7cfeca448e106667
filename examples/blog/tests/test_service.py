"""What all of them have from `service.py`: whole or not at all, and proof against forged messages."""

from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI

from blog import comments, posts, query
from blog.service import Broker
from common.testing.answers import message_of
from common.testing.browser import BASE_URL, running
from common.testing.fake_stream import FakeStream
from tests.builders import APPROVED, PENDING, POST, broker, happen, until

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


async def test_a_forged_message_stops_nobody(stream: FakeStream) -> None:
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
        # A comment on a post that nobody wrote doesn't write one.
        assert message_of(await client.get("/posts/p9/comments"), 404) == "Not found"
