"""Posts: who writes one, and which there are."""

from typing import Annotated

from fastapi import APIRouter, FastAPI

from blog.events import Event, PostCreated, Title, publisher
from blog.service import Broker, create_service
from common.http.body import Input, Output, json_body
from common.ids import new_id


class PostInput(Input):
    title: Title


class Post(Output):
    id: str
    title: str


def create_app(broker: Broker) -> FastAPI:
    posts: dict[str, Post] = {}
    created = publisher(PostCreated, "posts", broker.stream)
    router = APIRouter(tags=["posts"])

    def apply(event: Event) -> None:
        if isinstance(event, PostCreated):
            posts.setdefault(event.id, Post(id=event.id, title=event.title))

    @router.get("/posts")
    async def index() -> list[Post]:
        return list(posts.values())

    @router.post("/posts", status_code=201)
    @router.post("/posts/create", status_code=201)
    async def create(body: Annotated[PostInput, json_body(PostInput)]) -> Post:
        """The event is the write: stored first, then remembered. Without the store there is no post (503)."""
        event = PostCreated(id=new_id(), title=body.title)
        await created.publish(event)
        apply(event)
        return posts[event.id]

    return create_service("posts", router, broker, [PostCreated], apply)
