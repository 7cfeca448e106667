"""Everything that can happen in the blog. The store keeps these for ever; all else is derived from them."""

import logging
from enum import StrEnum
from types import new_class
from typing import Annotated, Literal, TypeAlias, TypeVar, cast

from pydantic import Field, StringConstraints, ValidationError

from common.messaging.events import AggregateEvent
from common.messaging.publisher import Publisher
from common.messaging.stream import Stored, Stream, StreamSpec

log = logging.getLogger(__name__)

E = TypeVar("E", bound=AggregateEvent)

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Content = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""A token of a subject: no dots, no wildcards."""

BLOG = StreamSpec("blog", ("post.>", "comment.>"))


class Subject(StrEnum):
    POST_CREATED = "post.created"
    COMMENT_CREATED = "comment.created"
    COMMENT_MODERATED = "comment.moderated"
    COMMENT_UPDATED = "comment.updated"


class Status(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


Opinion: TypeAlias = Literal[Status.APPROVED, Status.REJECTED]


class PostCreated(AggregateEvent):
    subject = Subject.POST_CREATED
    id: Id
    title: Title


class CommentEvent(AggregateEvent):
    id: Id
    post_id: Id
    content: Content


class CommentCreated(CommentEvent):
    """Pending: moderation is to look at it."""

    subject = Subject.COMMENT_CREATED
    status: Literal[Status.PENDING] = Status.PENDING


class CommentModerated(CommentEvent):
    """What moderation thinks of it: for comments alone, which owns the comment."""

    subject = Subject.COMMENT_MODERATED
    status: Opinion


class CommentUpdated(CommentEvent):
    """The comment changed, in whatever way: all that others need to know."""

    subject = Subject.COMMENT_UPDATED
    status: Status


Event = PostCreated | CommentCreated | CommentModerated | CommentUpdated
EVENTS: dict[str, type[Event]] = {
    event.subject.value: event for event in (PostCreated, CommentCreated, CommentModerated, CommentUpdated)
}


def read(stored: Stored) -> Event | None:
    """None for what can't be read: whoever reaches the broker may publish, and is to stop nobody by it."""
    kind, _, record_id = stored.subject.rpartition(".")
    try:
        event = EVENTS[kind].model_validate_json(stored.data)
    except (KeyError, ValidationError) as error:
        log.warning("an event can't be read", extra={"event": stored.subject, "error": repr(error)})
        return None
    return event if event.id == record_id else None


def wire(*events: type[AggregateEvent]) -> tuple[str, ...]:
    """The subjects of these events, of every record."""
    return tuple(f"{event.subject}.*" for event in events)


def publisher(of: type[E], source: str, stream: Stream) -> Publisher[E]:
    """A publisher of `of`, made where it is used: the marketplace declares a class for each event."""
    kind = new_class(f"{of.__name__}Publisher", (Publisher[of],), {"source": source})  # type: ignore[valid-type]  # a class
    return cast("Publisher[E]", kind(stream))
