"""Who shows posts with their comments, over a store in memory."""

import asyncio

from blog import query
from blog.events import CommentUpdated
from common.testing.browser import running
from common.testing.fake_stream import FakeStream
from tests.builders import APPROVED, PENDING, POST, UPDATED, broker, happen, until


async def test_it_knows_every_post_and_comment_from_events_alone(stream: FakeStream) -> None:
    await happen(stream, POST, PENDING)
    async with running(query.create_app(broker(stream))) as client:
        (post,) = (await client.get("/posts")).json()
        assert post["comments"] == [{"id": "c1", "content": "I like apples", "status": "pending"}]

        await happen(stream, CommentUpdated(**APPROVED.model_dump() | {"status": "rejected"}))
        shown = await until(
            lambda: client.get("/posts"), lambda a: a.json()[0]["comments"][0]["status"] == "rejected"
        )

    comment = {"id": "c1", "content": "I like apples", "status": "rejected"}
    assert shown.json() == [{"id": "p1", "title": "Fruit", "comments": [comment]}]


async def test_what_moderation_thinks_is_no_news_before_the_owner_says_so(stream: FakeStream) -> None:
    await happen(stream, POST, PENDING, APPROVED)
    async with running(query.create_app(broker(stream))) as client:
        (post,) = (await client.get("/posts")).json()

    assert [comment["status"] for comment in post["comments"]] == ["pending"]


async def test_a_change_of_a_comment_that_nobody_wrote_shows_nothing(stream: FakeStream) -> None:
    await happen(stream, POST, UPDATED)
    async with running(query.create_app(broker(stream))) as client:
        (post,) = (await client.get("/posts")).json()

    assert post["comments"] == []


async def test_whoever_has_what_there_is_gets_it_only_once(stream: FakeStream) -> None:
    await happen(stream, POST)
    async with running(query.create_app(broker(stream))) as client:
        tag = (await client.get("/posts")).headers["etag"]
        again = await client.get("/posts", headers={"If-None-Match": tag})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)

        await happen(stream, PENDING)
        await until(
            lambda: client.get("/posts", headers={"If-None-Match": tag}), lambda a: a.status_code == 200
        )
    # Another process, or the same after a restart, has the same view of the same place.
    async with running(query.create_app(broker(stream))) as client:
        assert (await client.get("/posts")).headers["etag"] == f'"{stream.messages[-1].sequence}"'


async def test_what_was_written_elsewhere_is_waited_for(stream: FakeStream) -> None:
    async with running(query.create_app(broker(stream))) as client:
        waiting = asyncio.create_task(client.get("/posts?since=1"))
        await asyncio.sleep(0)
        await happen(stream, POST)

        assert [post["id"] for post in (await waiting).json()] == ["p1"]
