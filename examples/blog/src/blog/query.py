"""Query service: every post with its comments, for the page. Built from events, without calls to services."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import FastAPI, Query, Request, Response

from blog.events import CommentCreated, CommentUpdated, Event, PostCreated, Status
from blog.service import Broker, create_service, replay, routes
from common.base.errors import Unavailable
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
    """Posts with their comments. Ignores comments on unknown posts."""

    titles: dict[str, str] = field(default_factory=dict)
    comments: dict[str, dict[str, CommentView]] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        match event:
            case PostCreated() if event.id not in self.titles:
                self.titles[event.id], self.comments[event.id] = event.title, {}
            case CommentCreated() if event.post_id in self.comments:
                self.comments[event.post_id].setdefault(event.id, _shown(event))
            case CommentUpdated() if event.id in self.comments.get(event.post_id, {}):
                self.comments[event.post_id][event.id] = _shown(event)

    def posts(self) -> list[PostView]:
        return [
            PostView(id=post_id, title=title, comments=list(self.comments[post_id].values()))
            for post_id, title in self.titles.items()
        ]


def _shown(event: CommentCreated | CommentUpdated) -> CommentView:
    return CommentView(id=event.id, content=event.content, status=event.status)


def create_app(broker: Broker) -> FastAPI:
    view = View()
    subscription = replay(broker, [PostCreated, CommentCreated, CommentUpdated], view.apply)
    router = routes(subscription)

    @router.get("/posts", response_model=list[PostView])
    async def posts(
        request: Request, response: Response, since: Annotated[int, Query(ge=0, le=2**53)] = 0
    ) -> list[PostView] | Response:
        """All posts. Includes the write at position `since`, unless its event takes more than two seconds.

        Each position in the store has one view, in all processes and after a restart: it is the ETag.
        """
        with suppress(Unavailable):
            await subscription.reached(since)
        tag = f'"{subscription.position}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        response.headers["ETag"] = tag
        return view.posts()

    return create_service("query", router, broker, subscription)
