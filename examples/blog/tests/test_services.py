"""Each service by itself, over a store in memory."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI

from blog import comments, moderation, posts, query, store
from blog.events import CommentCreated, CommentModerated, CommentUpdated, Event, PostCreated, Status
from blog.service import Broker
from blog.settings import ModerationSettings
from common.events import wire_subject
from common.stream import MESSAGE_ID
from common.testing.answers import errors_of, message_of
from common.testing.browser import running
from common.testing.fake_feed import FakeFeed
from common.testing.fake_stream import FakeStream

pytest_plugins = ["common.testing.fixtures"]

POST = PostCreated(id="p1", title="Fruit")
PENDING = CommentCreated(id="c1", post_id="p1", content="I like apples", status=Status.PENDING)
APPROVED = CommentModerated(id="c1", post_id="p1", content="I like apples", status=Status.APPROVED)
MODERATED = ModerationSettings(nats_url="nats://unused")


async def happen(stream: FakeStream, *events: Event) -> None:
    await stream.connect()
    for event in events:
        await stream.publish(wire_subject(event), event.to_json(), {MESSAGE_ID: wire_subject(event)})


@asynccontextmanager
async def ready(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with running(app) as client:
        await until(lambda: client.get("/readyz"), lambda answer: answer.status_code == 200)
        yield client


async def until(
    ask: Callable[[], Awaitable[httpx.Response]], condition: Callable[[httpx.Response], bool]
) -> httpx.Response:
    async with asyncio.timeout(10):
        while not condition(answer := await ask()):
            await asyncio.sleep(0.005)
    return answer


def broker(stream: FakeStream) -> Broker:
    return Broker(stream, FakeFeed(stream))


def subjects(stream: FakeStream) -> list[str]:
    return [message.subject for message in stream.messages]


async def test_a_post_is_stored_before_it_is_shown(stream: FakeStream) -> None:
    async with ready(posts.create_app(broker(stream))) as client:
        answer = await client.post("/posts/create", json={"title": " Fruit "})

        assert answer.status_code == 201
        post = answer.json()
        assert post == {"id": post["id"], "title": "Fruit"}
        assert (await client.get("/posts")).json() == [post]
        assert subjects(stream) == [f"post.created.{post['id']}"]


async def test_without_the_store_there_is_no_post(stream: FakeStream) -> None:
    async with ready(posts.create_app(broker(stream))) as client:
        stream.up = False

        assert (await client.post("/posts", json={"title": "Fruit"})).status_code == 503
        assert (await client.get("/posts")).json() == []


@pytest.mark.parametrize("body", [{}, {"title": ""}, {"title": "  "}, {"title": "x" * 201}, {"title": 1}])
async def test_a_bad_title_is_refused_beside_its_field(stream: FakeStream, body: dict[str, object]) -> None:
    async with ready(posts.create_app(broker(stream))) as client:
        answer = await client.post("/posts", json=body)

        assert [entry["field"] for entry in errors_of(answer, 400)] == ["title"]
        assert subjects(stream) == []


async def test_a_comment_is_pending_until_it_is_moderated_and_its_owner_tells_of_the_change(
    stream: FakeStream,
) -> None:
    await happen(stream, POST)
    async with ready(comments.create_app(broker(stream))) as client:
        answer = await client.post("/posts/p1/comments", json={"content": "I like apples"})
        (comment,) = answer.json()
        assert (answer.status_code, comment["status"]) == (201, "pending")

        await happen(stream, APPROVED.model_copy(update={"id": comment["id"]}))
        await until(lambda: client.get("/posts/p1/comments"), lambda a: a.json()[0]["status"] == "approved")
        async with asyncio.timeout(10):
            while f"comment.updated.{comment['id']}" not in subjects(stream):
                await asyncio.sleep(0.005)


async def test_a_comment_on_a_post_that_nobody_wrote_is_refused(stream: FakeStream) -> None:
    async with ready(comments.create_app(broker(stream))) as client:
        assert message_of(await client.post("/posts/p9/comments", json={"content": "x"}), 404) == "Not found"


async def test_a_change_that_a_crash_kept_from_being_told_is_told_after_the_next_start(
    stream: FakeStream,
) -> None:
    await happen(stream, POST, PENDING, APPROVED)
    async with ready(comments.create_app(broker(stream))):
        pass

    assert subjects(stream)[3:] == ["comment.updated.c1"]


async def test_a_change_that_was_told_is_not_told_again(stream: FakeStream) -> None:
    updated = CommentUpdated(**APPROVED.model_dump())
    await happen(stream, POST, PENDING, APPROVED, updated)
    async with ready(comments.create_app(broker(stream))):
        pass

    assert len(subjects(stream)) == 4


@pytest.mark.parametrize(
    ("content", "status"),
    [("I like apples", "approved"), ("an orange", "rejected"), ("ORANGES", "rejected")],
)
async def test_moderation_rejects_what_holds_a_blocked_word(
    stream: FakeStream, content: str, status: str
) -> None:
    await happen(stream, POST, PENDING.model_copy(update={"content": content}))
    async with ready(moderation.create_app(broker(stream), MODERATED)):
        pass

    opinion = CommentModerated.model_validate_json(stream.messages[-1].data)
    assert (opinion.id, opinion.status) == ("c1", status)


async def test_moderation_looks_at_a_comment_once(stream: FakeStream) -> None:
    await happen(stream, POST, PENDING)
    for _ in range(2):
        async with ready(moderation.create_app(broker(stream), MODERATED)):
            pass

    assert subjects(stream)[2:] == ["comment.moderated.c1"]


async def test_query_knows_every_post_and_comment_from_events_alone(stream: FakeStream) -> None:
    await happen(stream, POST, PENDING)
    async with ready(query.create_app(broker(stream))) as client:
        await happen(stream, CommentUpdated(**APPROVED.model_dump() | {"status": "rejected"}))
        shown = await until(
            lambda: client.get("/posts"), lambda a: a.json()[0]["comments"][0]["status"] == "rejected"
        )

    comment = {"id": "c1", "content": "I like apples", "status": "rejected"}
    assert shown.json() == [{"id": "p1", "title": "Fruit", "comments": [comment]}]


async def test_the_store_lists_what_happened_from_any_place_on(stream: FakeStream) -> None:
    await happen(stream, POST, PENDING)
    async with ready(store.create_app(broker(stream))) as client:
        everything = (await client.get("/events")).json()
        later = await client.get(f"/events?after={everything[0]['sequence']}")

    assert [event["type"] for event in everything] == ["post.created", "comment.created"]
    assert everything[0]["data"] == {"id": "p1", "title": "Fruit"}
    assert later.json() == everything[1:]


async def test_whoever_has_curl_may_publish_what_is_an_event(stream: FakeStream) -> None:
    async with ready(store.create_app(broker(stream))) as client:
        answer = await client.post(
            "/events", json={"type": "post.created", "data": {"id": "p7", "title": "By hand"}}
        )

    assert answer.status_code == 201
    assert subjects(stream) == ["post.created.p7"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "post.deleted", "data": {}}, "type"),
        ({"type": "post.created", "data": {"id": "p7"}}, "title"),
        ({"type": "post.created", "data": {"id": "a.b", "title": "x"}}, "id"),
        ({"type": "post.created", "data": {"id": ">", "title": "x"}}, "id"),
        (
            {"type": "comment.created", "data": {"id": "c", "postId": "p", "content": "x", "status": "?"}},
            "status",
        ),
        ({"type": "post.created", "data": "x"}, "data"),
    ],
)
async def test_what_is_no_event_is_refused(stream: FakeStream, body: dict[str, object], field: str) -> None:
    async with ready(store.create_app(broker(stream))) as client:
        answer = await client.post("/events", json=body)

    assert field in [entry.get("field") for entry in errors_of(answer, 400)]
    assert subjects(stream) == []


async def test_a_forged_message_stops_nobody(stream: FakeStream) -> None:
    await stream.connect()
    await stream.publish("post.created.x", b"not json", {})
    await stream.publish("comment.updated.y", b'{"id": "other"}', {})
    await happen(stream, APPROVED, POST)
    async with ready(query.create_app(broker(stream))) as client:
        assert (await client.get("/posts")).json() == [{"id": "p1", "title": "Fruit", "comments": []}]
    async with ready(comments.create_app(broker(stream))) as client:
        assert (await client.get("/posts/p1/comments")).json() == []
