"""The posts service, over a store in memory."""

import asyncio

import pytest

from blog import posts
from blog.service import POSITION
from common.testing.answers import codes_of, errors_of, message_of
from common.testing.browser import running
from common.testing.fake_stream import FakeStream
from tests.builders import broker, subjects


async def test_a_post_is_stored_before_it_is_shown(stream: FakeStream) -> None:
    async with running(posts.create_app(broker(stream))) as client:
        answer = await client.post("/posts/create", json={"title": " Fruit "})

        assert answer.status_code == 201
        post = answer.json()
        assert post == {"id": post["id"], "title": "Fruit"}
        assert answer.headers[POSITION] == str(stream.messages[0].sequence)
        assert (await client.get("/posts")).json() == [post]
        assert subjects(stream) == [f"post.created.{post['id']}"]


async def test_without_the_store_there_is_no_post(stream: FakeStream) -> None:
    async with running(posts.create_app(broker(stream))) as client:
        stream.up = False

        assert message_of(await client.post("/posts", json={"title": "Fruit"}), 503)
        assert (await client.get("/posts")).json() == []


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        ({}, "Title is required", "title-required"),
        ({"title": "  "}, "Title is required", "title-required"),
        ({"title": "x" * 201}, "Title must be at most 200 characters", "title-too-long"),
        ({"title": 1}, "Title must be text", "title-invalid"),
    ],
)
async def test_a_bad_title_is_refused_beside_its_field(
    stream: FakeStream, body: dict[str, object], message: str, code: str
) -> None:
    async with running(posts.create_app(broker(stream))) as client:
        answer = await client.post("/posts", json=body)

        assert errors_of(answer, 400) == [{"message": message, "field": "title"}]
        assert codes_of(answer, 400) == {"title": code}
        assert subjects(stream) == []


async def test_concurrent_posts_have_one_order_before_a_restart_and_after_it(
    stream: FakeStream,
) -> None:
    async with running(posts.create_app(broker(stream))) as client:
        await asyncio.gather(*(client.post("/posts", json={"title": str(n)}) for n in range(50)))
        before = (await client.get("/posts")).json()
    async with running(posts.create_app(broker(stream))) as client:
        assert (await client.get("/posts")).json() == before
    assert len(before) == 50
