"""Client of the blog's edge."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from blog.run.blog import Blog


class Edge:
    def __init__(self, blog: Blog) -> None:
        host = urlsplit(blog.edge).netloc
        self._http = aiohttp.ClientSession(blog.address, headers={"Host": host})

    async def close(self) -> None:
        await self._http.close()

    async def post(self, path: str, body: Any) -> tuple[int, Any]:
        """Sends JSON. Returns the status, and the response if it is JSON, else None."""
        async with self._http.post(path, json=body) as answer:
            await answer.read()
            is_json = answer.content_type == "application/json"
            return answer.status, await answer.json() if is_json else None

    async def create(self, title: str) -> str:
        """Creates a post and returns its id."""
        status, post = await self.post("/posts/create", {"title": title})
        assert status == 201, post
        return str(post["id"])

    async def posts(self) -> Any:
        """The posts of query; none while query is unavailable."""
        async with self._http.get("/posts") as answer:
            return await answer.json() if answer.status == 200 else []

    async def page(self) -> str:
        async with self._http.get("/") as answer:
            return await answer.text()


async def until(ask: Callable[[], Awaitable[Any]], condition: Callable[[Any], bool]) -> Any:
    async with asyncio.timeout(60):
        while not condition(answer := await ask()):
            await asyncio.sleep(0.02)
    return answer


async def written(edge: Edge, post_id: str, content: str) -> str:
    """Writes a comment, once comments has received the post, and returns its id."""
    answer = await until(
        lambda: edge.post(f"/posts/{post_id}/comments", {"content": content}), lambda found: found[0] == 201
    )
    (comment_id,) = [comment["id"] for comment in answer[1] if comment["content"] == content]
    return str(comment_id)
