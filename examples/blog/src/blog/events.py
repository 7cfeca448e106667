"""Events of the blog. The store retains them for ever; all other state is derived from them."""

import logging
from enum import StrEnum
from types import new_class
from typing import Annotated, Literal, TypeAlias, TypeVar, cast

from pydantic import Field, StringConstraints

from common.messaging import events as messaging
from common.messaging.events import AggregateEvent
from common.messaging.publisher import Publisher
from common.messaging.stream import Stored, Stream, StreamSpec

log = logging.getLogger(__name__)

E = TypeVar("E", bound=AggregateEvent)

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Content = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""One token of a subject, so without dots and wildcards."""

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
    """A new comment, pending until its moderation."""

    subject = Subject.COMMENT_CREATED
    status: Literal[Status.PENDING] = Status.PENDING


class CommentModerated(CommentEvent):
    """Opinion of moderation. Only the comments service uses it, as the owner of the comment."""

    subject = Subject.COMMENT_MODERATED
    status: Opinion


class CommentUpdated(CommentEvent):
    """Any change of a comment: the one event that other services need."""

    subject = Subject.COMMENT_UPDATED
    status: Status


Event = PostCreated | CommentCreated | CommentModerated | CommentUpdated
EVENTS: dict[str, type[Event]] = {
    event.subject.value: event for event in (PostCreated, CommentCreated, CommentModerated, CommentUpdated)
}


def read(stored: Stored) -> Event | None:
    """None for an unreadable event: any client of the broker may publish, and stops no service."""
    kind, _, record_id = stored.subject.rpartition(".")
    try:
        event: Event = messaging.read(EVENTS[kind], stored.data, stored.headers)
    except (KeyError, messaging.Unreadable) as error:
        log.warning("unreadable event skipped", extra={"event": stored.subject, "error": repr(error)})
        return None
    return event if event.id == record_id else None


def wire(*events: type[AggregateEvent]) -> tuple[str, ...]:
    """Subjects of these events for all records, such as `"post.created.*"`."""
    return tuple(f"{event.subject}.*" for event in events)


def publisher(of: type[E], source: str, stream: Stream) -> Publisher[E]:
    """A publisher of `of`, created where it is used; the marketplace declares a class for each event."""
    kind = new_class(f"{of.__name__}Publisher", (Publisher[of],), {"source": source})  # type: ignore[valid-type]  # a class
    return cast("Publisher[E]", kind(stream))
