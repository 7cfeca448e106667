"""The query service, over a store in memory."""

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


async def test_an_opinion_of_moderation_has_no_effect_before_the_owners_event(stream: FakeStream) -> None:
    await happen(stream, POST, PENDING, APPROVED)
    async with running(query.create_app(broker(stream))) as client:
        (post,) = (await client.get("/posts")).json()

    assert [comment["status"] for comment in post["comments"]] == ["pending"]


async def test_a_change_of_an_unknown_comment_has_no_effect(stream: FakeStream) -> None:
    await happen(stream, POST, UPDATED)
    async with running(query.create_app(broker(stream))) as client:
        (post,) = (await client.get("/posts")).json()

    assert post["comments"] == []


async def test_a_client_that_has_the_newest_view_receives_a_304(stream: FakeStream) -> None:
    await happen(stream, POST)
    async with running(query.create_app(broker(stream))) as client:
        tag = (await client.get("/posts")).headers["etag"]
        again = await client.get("/posts", headers={"If-None-Match": tag})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)

        await happen(stream, PENDING)
        await until(
            lambda: client.get("/posts", headers={"If-None-Match": tag}), lambda a: a.status_code == 200
        )
    # Another process, or this one after a restart, has the same view at the same position.
    async with running(query.create_app(broker(stream))) as client:
        assert (await client.get("/posts")).headers["etag"] == f'"{stream.messages[-1].sequence}"'


async def test_a_read_waits_for_a_write_of_another_service(stream: FakeStream) -> None:
    async with running(query.create_app(broker(stream))) as client:
        waiting = asyncio.create_task(client.get("/posts?since=1"))
        await asyncio.sleep(0)
        await happen(stream, POST)

        assert [post["id"] for post in (await waiting).json()] == ["p1"]
