"""Query: every post with its comments, as a page wants them, from events alone. It asks nobody."""

from dataclasses import dataclass, field

from fastapi import APIRouter, FastAPI

from blog.events import CommentCreated, CommentUpdated, Event, PostCreated, Status
from blog.service import Broker, create_service
from common.http.body import Output


class CommentView(Output):
    id: str
    content: str
    status: Status


class PostView(Output):
    id: str
    title: str
    comments: list[CommentView]


@dataclass
class View:
    titles: dict[str, str] = field(default_factory=dict)
    comments: dict[str, dict[str, CommentView]] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        match event:
            case PostCreated():
                self.titles.setdefault(event.id, event.title)
            case CommentCreated():
                self._of(event).setdefault(event.id, _shown(event))
            case CommentUpdated() if event.id in self._of(event):
                self._of(event)[event.id] = _shown(event)

    def _of(self, event: CommentCreated | CommentUpdated) -> dict[str, CommentView]:
        return self.comments.setdefault(event.post_id, {})

    def posts(self) -> list[PostView]:
        """A comment on a post that nobody wrote is shown nowhere."""
        return [
            PostView(id=post_id, title=title, comments=list(self.comments.get(post_id, {}).values()))
            for post_id, title in self.titles.items()
        ]


def _shown(event: CommentCreated | CommentUpdated) -> CommentView:
    return CommentView(id=event.id, content=event.content, status=event.status)


def create_app(broker: Broker) -> FastAPI:
    view, router = View(), APIRouter(tags=["query"])

    @router.get("/posts")
    async def posts() -> list[PostView]:
        return view.posts()

    return create_service("query", router, broker, [PostCreated, CommentCreated, CommentUpdated], view.apply)
