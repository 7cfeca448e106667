"""Comments service: owns each comment, and alone publishes its changes."""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import FastAPI, Response

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
from blog.service import Broker, create_service, happened, replay, routes
from common.base.errors import NotFound
from common.base.ids import new_id
from common.http.body import Input, Output, json_body
from common.messaging.events import AggregateEvent


class CommentInput(Input):
    content: Content


class Comment(Output):
    id: str
    content: str
    status: Status


@dataclass
class Comments:
    """Comments by post id, oldest first. unpublished: Changes without a published event, by comment id."""

    by_post: dict[str, dict[str, Comment]] = field(default_factory=dict)
    unpublished: dict[str, CommentUpdated] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        match event:
            case PostCreated():
                self.by_post.setdefault(event.id, {})
            case CommentCreated() if event.post_id in self.by_post:
                comment = Comment(id=event.id, content=event.content, status=event.status)
                self.by_post[event.post_id].setdefault(event.id, comment)
            case CommentModerated():
                self._moderated(event)
            case CommentUpdated():
                self.unpublished.pop(event.id, None)

    def _moderated(self, event: CommentModerated) -> None:
        """Applies the first opinion on a comment. Ignores later ones, and those on unknown comments."""
        of_post = self.by_post.get(event.post_id, {})
        comment = of_post.get(event.id)
        if comment is not None and comment.status is Status.PENDING:
            of_post[event.id] = changed = comment.model_copy(update={"status": event.status})
            self.unpublished[event.id] = CommentUpdated(post_id=event.post_id, **changed.model_dump())


def create_app(broker: Broker) -> FastAPI:
    comments = Comments()
    created = publisher(CommentCreated, "comments", broker.stream)
    updated = publisher(CommentUpdated, "comments", broker.stream)

    async def settle() -> None:
        for event in comments.unpublished.values():
            await updated.publish(event)

    applied: list[type[AggregateEvent]] = [PostCreated, CommentCreated, CommentModerated, CommentUpdated]
    subscription = replay(broker, applied, comments.apply, settle)
    router = routes(subscription)

    def of(post_id: str) -> list[Comment]:
        if post_id not in comments.by_post:
            raise NotFound()
        return list(comments.by_post[post_id].values())

    @router.get("/posts/{post_id}/comments")
    async def index(post_id: str) -> list[Comment]:
        return of(post_id)

    @router.post("/posts/{post_id}/comments", status_code=201)
    async def create(
        post_id: str, body: Annotated[CommentInput, json_body(CommentInput)], response: Response
    ) -> list[Comment]:
        of(post_id)
        event = CommentCreated(id=new_id(), post_id=post_id, content=body.content)
        await happened(created, event, subscription, response)
        return of(post_id)

    return create_service("comments", router, broker, subscription)
