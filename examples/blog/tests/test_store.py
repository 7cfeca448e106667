"""The HTTP API of the event store, over a store in memory."""

import pytest

from blog import store
from common.testing.answers import errors_of, next_page
from common.testing.browser import running
from common.testing.fake_stream import FakeStream
from tests.builders import PENDING, POST, broker, happen, subjects

BY_HAND = {"type": "post.created", "data": {"id": "p7", "title": "By hand"}}


async def test_it_lists_the_events_from_any_position_on(stream: FakeStream) -> None:
    await happen(stream, POST, PENDING)
    async with running(store.create_app(broker(stream))) as client:
        everything = (await client.get("/events")).json()
        later = await client.get(f"/events?after={everything[0]['sequence']}")

    assert [event["type"] for event in everything] == ["post.created", "comment.created"]
    assert everything[0]["data"] == {"id": "p1", "title": "Fruit"}
    assert later.json() == everything[1:]


async def test_a_long_history_is_read_page_by_page(stream: FakeStream) -> None:
    await happen(stream, *(POST.model_copy(update={"id": str(number)}) for number in range(2_500)))
    seen: list[int] = []
    async with running(store.create_app(broker(stream))) as client:
        page: str | None = "/events"
        while page is not None:
            answer = await client.get(page)
            seen += [event["sequence"] for event in answer.json()]
            assert len(answer.json()) <= 1_000
            page = next_page(answer)

    assert seen == [message.sequence for message in stream.messages]


async def test_an_unreadable_message_is_skipped(stream: FakeStream) -> None:
    await stream.publish("post.created.x", b"not json", {})
    await happen(stream, POST)
    async with running(store.create_app(broker(stream))) as client:
        assert [event["data"]["id"] for event in (await client.get("/events")).json()] == ["p1"]


async def test_a_client_may_publish_a_valid_event(stream: FakeStream) -> None:
    await happen(stream, POST)
    async with running(store.create_app(broker(stream))) as client:
        answer = await client.post("/events", json=BY_HAND)
        again = await client.post("/events", json=BY_HAND)
        listed = (await client.get("/events")).json()

    assert answer.status_code == 201
    assert answer.json() == listed[-1]
    assert again.json() == answer.json()
    assert subjects(stream)[1:] == ["post.created.p7"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "post.deleted", "data": {}}, "type"),
        ({"type": "post.created", "data": {"id": "p7"}}, "title"),
        ({"type": "post.created", "data": {"id": "a.b", "title": "x"}}, "id"),
        ({"type": "post.created", "data": {"id": ">", "title": "x"}}, "id"),
        (
            {
                "type": "comment.created",
                "data": {"id": "c", "postId": "p", "content": "x", "status": "approved"},
            },
            "status",
        ),
        (
            {
                "type": "comment.moderated",
                "data": {"id": "c", "postId": "p", "content": "x", "status": "pending"},
            },
            "status",
        ),
        ({"type": "post.created", "data": "x"}, "data"),
    ],
)
async def test_an_invalid_event_is_refused(stream: FakeStream, body: dict[str, object], field: str) -> None:
    async with running(store.create_app(broker(stream))) as client:
        answer = await client.post("/events", json=body)

    assert field in [entry.get("field") for entry in errors_of(answer, 400)]
    assert subjects(stream) == []
