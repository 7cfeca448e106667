"""The comments service, over a store in memory."""

import pytest

from blog import comments
from blog.events import CommentModerated, CommentUpdated, Status
from common.testing.answers import errors_of, message_of
from common.testing.browser import running
from common.testing.fake_stream import FakeStream
from tests.builders import APPROVED, PENDING, POST, UPDATED, broker, happen, stored, subjects, until


async def test_a_comment_is_pending_until_it_is_moderated_and_its_owner_publishes_the_change(
    stream: FakeStream,
) -> None:
    await happen(stream, POST)
    async with running(comments.create_app(broker(stream))) as client:
        answer = await client.post("/posts/p1/comments", json={"content": " I like apples "})
        (comment,) = answer.json()
        assert answer.status_code == 201
        assert comment == {"id": comment["id"], "content": "I like apples", "status": "pending"}

        await happen(stream, APPROVED.model_copy(update={"id": comment["id"]}))
        await until(lambda: client.get("/posts/p1/comments"), lambda a: a.json()[0]["status"] == "approved")
        await stored(stream, f"comment.updated.{comment['id']}")

    updated = CommentUpdated.model_validate_json(stream.messages[-1].data)
    assert updated == UPDATED.model_copy(update={"id": comment["id"]})


async def test_a_comment_on_an_unknown_post_is_refused(stream: FakeStream) -> None:
    async with running(comments.create_app(broker(stream))) as client:
        assert message_of(await client.post("/posts/p9/comments", json={"content": "x"}), 404) == "Not found"
        assert message_of(await client.get("/posts/p9/comments"), 404) == "Not found"


@pytest.mark.parametrize("content", ["", " ", "x" * 1001, None, 7])
async def test_a_bad_comment_is_refused_beside_its_field(stream: FakeStream, content: object) -> None:
    await happen(stream, POST)
    async with running(comments.create_app(broker(stream))) as client:
        answer = await client.post("/posts/p1/comments", json={"content": content})

        assert [entry["field"] for entry in errors_of(answer, 400)] == ["content"]
        assert (await client.get("/posts/p1/comments")).json() == []


async def test_a_change_that_a_crash_left_unpublished_is_published_after_the_next_start(
    stream: FakeStream,
) -> None:
    await happen(stream, POST, PENDING, APPROVED)
    async with running(comments.create_app(broker(stream))):
        pass

    assert subjects(stream)[3:] == ["comment.updated.c1"]


async def test_a_published_change_is_not_published_again(stream: FakeStream) -> None:
    await happen(stream, POST, PENDING, APPROVED, UPDATED)
    async with running(comments.create_app(broker(stream))):
        pass

    assert len(subjects(stream)) == 4


async def test_a_second_opinion_changes_nothing(stream: FakeStream) -> None:
    await happen(stream, POST, PENDING, APPROVED, UPDATED)
    rejected = CommentModerated(**APPROVED.model_dump() | {"status": Status.REJECTED})
    await stream.publish("comment.moderated.c1", rejected.to_json(), {})
    async with running(comments.create_app(broker(stream))) as client:
        (comment,) = (await client.get("/posts/p1/comments")).json()

    assert comment["status"] == "approved"
    assert len(subjects(stream)) == 5
