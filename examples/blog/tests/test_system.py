"""The whole blog through its edge, while parts of it are killed.

Runs on this machine against the processes of `make blog`, and on Kubernetes by `python -m blog.run.cluster`.
"""

import re
from typing import Any

import pytest

from blog.__main__ import SERVICES
from blog.run.blog import Blog
from blog.run.history import PER_POST, fill, history
from common.base.ids import new_id
from tests.edge import Edge, until, written

pytestmark = [pytest.mark.connected, pytest.mark.asyncio(loop_scope="session")]

EVENTS = 10_000


async def statuses(edge: Edge, post_id: str) -> list[str]:
    """Statuses of a post's comments, by query."""
    return [
        comment["status"]
        for post in await edge.posts()
        if post["id"] == post_id
        for comment in post["comments"]
    ]


async def happened(blog: Blog) -> list[Any]:
    """All events in the store."""
    events: list[Any] = []
    while page := await blog.own("events", f"/events?after={events[-1]['sequence'] if events else 0}"):
        events += page
    return events


async def settled(blog: Blog) -> list[Any]:
    """All events in the store, once each comment is moderated and each change published."""

    def complete(events: list[Any]) -> bool:
        kinds = [event["type"] for event in events]
        created = kinds.count("comment.created")
        return created == kinds.count("comment.moderated") == kinds.count("comment.updated")

    found: list[Any] = await until(lambda: happened(blog), complete)
    return found


async def test_a_post_its_comments_and_their_moderation_reach_the_page(blog: Blog, edge: Edge) -> None:
    fruit = await edge.create("Fruit")
    await written(edge, fruit, "I like apples")
    await written(edge, fruit, "I like oranges")

    await until(lambda: statuses(edge, fruit), lambda found: found == ["approved", "rejected"])

    ours = [event["type"] for event in await settled(blog) if fruit in event["data"].values()]
    assert sorted(ours) == sorted(
        ["post.created", *2 * ["comment.created", "comment.moderated", "comment.updated"]]
    )


async def test_each_killed_service_has_its_state_again_and_the_events_since(blog: Blog, edge: Edge) -> None:
    """With 10,000 events: a restart leaves the state unchanged and adds no event."""
    await fill(blog.nats, history(EVENTS // PER_POST, f"past-{new_id()}"))
    last = (await settled(blog))[-1]["sequence"]
    posts = [post["id"] for post in await until(edge.posts, lambda found: "pending" not in str(found))]
    assert len(posts) >= EVENTS // PER_POST

    async def state() -> dict[str, Any]:
        sample = posts[:: len(posts) // 20]
        return {
            "posts": await blog.own("posts", "/posts"),
            "query": await blog.own("query", "/posts"),
            "comments": [await blog.own("comments", f"/posts/{post}/comments") for post in sample],
            "events": await happened(blog),
            "client": re.sub(r"since=\d+", "", await edge.page()),
        }

    before = await state()
    for name in SERVICES:
        await blog.kill(name)
        await blog.ready(name)

        assert await state() == before, name
    assert (await settled(blog))[-1]["sequence"] == last

    # Kills each once more, with writes meanwhile.
    for name in SERVICES:
        await blog.kill(name)
        if name != "posts":
            post = await edge.create(f"While {name} was away")
        if name not in ("posts", "comments"):
            await written(edge, post, f"A comment while {name} was away")
        await blog.ready(name)
    came = [event["data"] for event in await settled(blog) if event["sequence"] > last]
    titles = [data["title"] for data in came if "title" in data]
    assert titles == [f"While {name} was away" for name in SERVICES if name != "posts"]
    for shown in (await blog.own("posts", "/posts"), await edge.posts()):
        assert [post["title"] for post in shown][-len(titles) :] == titles


async def test_posting_and_reading_go_on_while_others_are_down(blog: Blog, edge: Edge) -> None:
    fruit = await edge.create("Fruit")
    await blog.stop("moderation")
    await written(edge, fruit, "I like apples")
    await until(lambda: statuses(edge, fruit), lambda found: found == ["pending"])

    await blog.stop("comments")
    assert (await edge.post(f"/posts/{fruit}/comments", {"content": "x"}))[0] >= 502
    vegetables = await edge.create("Vegetables")
    await until(edge.posts, lambda found: found[-1]["id"] == vegetables)

    await blog.stop("query")
    bread = await edge.create("Bread")
    assert "The posts can&#39;t be read right now" in await edge.page()
    for name in ("query", "comments", "moderation"):
        await blog.start(name)
    await blog.ready("query", "comments", "moderation")

    await until(lambda: statuses(edge, fruit), lambda found: found == ["approved"])
    assert [post["id"] for post in await edge.posts()][-3:] == [fruit, vegetables, bread]


async def test_while_the_store_is_down_the_state_can_be_read_but_not_written(blog: Blog, edge: Edge) -> None:
    before = await edge.create("Before")
    await until(edge.posts, lambda found: found[-1]["id"] == before)

    await blog.stop("nats")
    assert (await edge.posts())[-1]["id"] == before
    assert (await edge.post("/posts/create", {"title": "While it was away"}))[0] == 503
    await blog.start("nats")

    status, post = await until(
        lambda: edge.post("/posts/create", {"title": "After"}), lambda found: found[0] != 503
    )
    assert status == 201
    await written(edge, post["id"], "I like apples")
    await until(lambda: statuses(edge, post["id"]), lambda found: found == ["approved"])


@pytest.mark.parametrize("name", ["posts", "comments", "query"])
async def test_a_service_that_starts_for_the_first_time_has_the_whole_state(blog: Blog, name: str) -> None:
    past = f"past-{new_id()}"
    await blog.stop(name)
    await fill(blog.nats, history(1_000, past))

    await blog.start(name)
    await blog.ready(name)

    if name == "comments":
        found = await blog.own("comments", f"/posts/{past}-999/comments")
        assert [comment["content"] for comment in found] == ["A comment on 999"] * 2
    else:
        ids = [post["id"] for post in await blog.own(name, "/posts")]
        assert len([post for post in ids if post.startswith(past)]) == 1_000


async def test_the_store_is_not_behind_the_edge(edge: Edge) -> None:
    status, _ = await edge.post("/events", {"type": "post.created", "data": {"id": "x", "title": "x"}})

    assert status in (404, 405)
