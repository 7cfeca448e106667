"""Comments: the owner of each, and the only one who says that it changed."""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, FastAPI

from blog.events import (
    CommentCreated,
    CommentModerated,
    CommentUpdated,
    Content,
    Event,
    PostCreated,
    Status,
    publisher,
)
from blog.service import Broker, create_service
from common.errors import NotFound
from common.events import AggregateEvent
from common.http.body import Input, Output, json_body
from common.ids import new_id


class CommentInput(Input):
    content: Content


class Comment(Output):
    id: str
    content: str
    status: Status


@dataclass
class Comments:
    """By post, in the order in which they were written. `untold` have changed, and nobody was told yet."""

    by_post: dict[str, dict[str, Comment]] = field(default_factory=dict)
    untold: dict[str, CommentUpdated] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        match event:
            case PostCreated():
                self.by_post.setdefault(event.id, {})
            case CommentCreated() if event.id not in self.by_post.setdefault(event.post_id, {}):
                comment = Comment(id=event.id, content=event.content, status=Status.PENDING)
                self.by_post[event.post_id][event.id] = comment
            case CommentModerated() if self._is_pending(event):
                comment = self.by_post[event.post_id][event.id].model_copy(update={"status": event.status})
                self.by_post[event.post_id][event.id] = comment
                self.untold[event.id] = CommentUpdated(
                    id=event.id, post_id=event.post_id, content=comment.content, status=comment.status
                )
            case CommentUpdated():
                self.untold.pop(event.id, None)

    def _is_pending(self, event: CommentModerated) -> bool:
        """Not for a comment that nobody wrote, nor for a second opinion."""
        comment = self.by_post.get(event.post_id, {}).get(event.id)
        return comment is not None and comment.status is Status.PENDING and event.status is not Status.PENDING


def create_app(broker: Broker) -> FastAPI:
    comments = Comments()
    created = publisher(CommentCreated, "comments", broker.stream)
    updated = publisher(CommentUpdated, "comments", broker.stream)
    router = APIRouter(tags=["comments"])

    def of(post_id: str) -> list[Comment]:
        if post_id not in comments.by_post:
            raise NotFound()
        return list(comments.by_post[post_id].values())

    @router.get("/posts/{post_id}/comments")
    async def index(post_id: str) -> list[Comment]:
        return of(post_id)

    @router.post("/posts/{post_id}/comments", status_code=201)
    async def create(post_id: str, body: Annotated[CommentInput, json_body(CommentInput)]) -> list[Comment]:
        of(post_id)
        event = CommentCreated(id=new_id(), post_id=post_id, content=body.content, status=Status.PENDING)
        await created.publish(event)
        comments.apply(event)
        return of(post_id)

    async def settle() -> None:
        for event in list(comments.untold.values()):
            await updated.publish(event)
            comments.apply(event)

    hears: list[type[AggregateEvent]] = [PostCreated, CommentCreated, CommentModerated, CommentUpdated]
    return create_service("comments", router, broker, hears, comments.apply, settle)
