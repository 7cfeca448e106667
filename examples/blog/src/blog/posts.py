"""Posts service: creates posts and lists them."""

from typing import Annotated

from fastapi import FastAPI, Response

from blog.events import Event, PostCreated, Title, publisher
from blog.service import Broker, create_service, happened, replay, routes
from common.base.ids import new_id
from common.http.body import Input, Output, json_body


class PostInput(Input):
    title: Title


class Post(Output):
    id: str
    title: str


def create_app(broker: Broker) -> FastAPI:
    posts: dict[str, Post] = {}
    created = publisher(PostCreated, "posts", broker.stream)

    def apply(event: Event) -> None:
        if isinstance(event, PostCreated):
            posts.setdefault(event.id, Post(id=event.id, title=event.title))

    subscription = replay(broker, [PostCreated], apply)
    router = routes(subscription)

    @router.get("/posts")
    async def index() -> list[Post]:
        return list(posts.values())

    @router.post("/posts", status_code=201)
    @router.post("/posts/create", status_code=201)
    async def create(body: Annotated[PostInput, json_body(PostInput)], response: Response) -> Post:
        """Creates a post. The edge uses the second path, since it routes `/posts` to query."""
        event = PostCreated(id=new_id(), title=body.title)
        await happened(created, event, subscription, response)
        return posts[event.id]

    return create_service("posts", router, broker, subscription)
