"""Hostile input: is never a 500, and none of it is stored."""

from collections.abc import Callable

import pytest
from fastapi import FastAPI

from blog import comments, posts, store
from blog.service import Broker
from common.testing import hostile
from common.testing.answers import errors_of
from common.testing.browser import running
from common.testing.fake_stream import FakeStream
from tests.builders import POST, broker, happen, subjects

WRITES = [
    pytest.param(posts.create_app, "/posts", '{"title": %s}', id="posts"),
    pytest.param(comments.create_app, "/posts/p1/comments", '{"content": %s}', id="comments"),
    pytest.param(
        store.create_app, "/events", '{"type": "post.created", "data": {"id": %s, "title": "x"}}', id="id"
    ),
    pytest.param(store.create_app, "/events", '{"type": %s, "data": {}}', id="type"),
]
ACCEPTED = ('"\\u0000"', '"\\u202e"')
"""Unusual values that are valid text."""


@pytest.mark.parametrize(("create", "path", "body"), WRITES)
async def test_a_hostile_value_is_a_bad_request(
    stream: FakeStream, create: Callable[[Broker], FastAPI], path: str, body: str
) -> None:
    await happen(stream, POST)
    async with running(create(broker(stream))) as client:
        for literal in hostile.LITERALS:
            answer = await client.post(path, content=body % literal, headers=hostile.JSON)
            if literal not in ACCEPTED or answer.status_code != 201:
                errors_of(answer, 400)
        accepted = len(subjects(stream))
        for content in hostile.BODIES:
            errors_of(await client.post(path, content=content, headers=hostile.JSON), 400)

    assert len(subjects(stream)) == accepted <= 1 + len(ACCEPTED)


async def test_an_id_that_names_nothing_is_not_found(stream: FakeStream) -> None:
    async with running(comments.create_app(broker(stream))) as client:
        for post_id in hostile.PATH_IDS:
            errors_of(await client.get(f"/posts/{post_id}/comments"), 404)
