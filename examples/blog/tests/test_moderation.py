"""The moderation service, over a store in memory."""

import pytest

from blog import moderation
from blog.events import CommentModerated, Status
from blog.settings import ModerationSettings
from common.testing.browser import running
from common.testing.fake_stream import FakeStream
from tests.builders import APPROVED, PENDING, POST, broker, happen, stored, subjects

SETTINGS = ModerationSettings(nats_url="nats://unused")


@pytest.mark.parametrize(
    ("content", "status"),
    [("I like apples", "approved"), ("an orange", "rejected"), ("ORANGES", "rejected")],
)
async def test_a_comment_with_a_blocked_word_is_rejected(
    stream: FakeStream, content: str, status: str
) -> None:
    await happen(stream, POST, PENDING.model_copy(update={"content": content}))
    async with running(moderation.create_app(broker(stream), SETTINGS)):
        pass

    opinion = CommentModerated.model_validate_json(stream.messages[-1].data)
    assert (opinion.id, opinion.status) == ("c1", status)


async def test_which_words_are_blocked_is_a_setting(stream: FakeStream) -> None:
    settings = ModerationSettings(nats_url="nats://unused", blocked_words="Apples , pears,")
    await happen(stream, POST, PENDING)
    async with running(moderation.create_app(broker(stream), settings)):
        pass

    assert CommentModerated.model_validate_json(stream.messages[-1].data).status is Status.REJECTED


async def test_a_comment_is_moderated_once(stream: FakeStream) -> None:
    await happen(stream, POST, PENDING)
    for _ in range(2):
        async with running(moderation.create_app(broker(stream), SETTINGS)):
            pass

    assert subjects(stream)[2:] == ["comment.moderated.c1"]


async def test_a_comment_that_is_delivered_twice_is_moderated_once(stream: FakeStream) -> None:
    await happen(stream, POST, PENDING, APPROVED)
    await stream.publish("comment.created.c1", PENDING.to_json(), {})
    async with running(moderation.create_app(broker(stream), SETTINGS)):
        pass

    assert subjects(stream)[4:] == []


async def test_comments_written_while_it_was_down_are_moderated_after_its_start(stream: FakeStream) -> None:
    async with running(moderation.create_app(broker(stream), SETTINGS)):
        pass
    await happen(stream, POST, *(PENDING.model_copy(update={"id": f"c{n}"}) for n in range(20)))
    async with running(moderation.create_app(broker(stream), SETTINGS)):
        pass

    assert len([subject for subject in subjects(stream) if "moderated" in subject]) == 20


async def test_it_may_take_its_time(stream: FakeStream) -> None:
    settings = ModerationSettings(nats_url="nats://unused", moderation_seconds=0.1)
    await happen(stream, POST, PENDING)
    async with running(moderation.create_app(broker(stream), settings)):
        assert subjects(stream)[2:] == []
        await stored(stream, "comment.moderated.c1")
