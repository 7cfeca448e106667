"""The page: plain forms, and the list looked at again every second where there is JavaScript."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Annotated, Any

import httpx
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from blog.settings import PageSettings
from common.http.app import create_http_app

WORDS = {
    "pending": "This comment is awaiting moderation",
    "rejected": "This comment has been rejected",
}


async def _form(request: Request) -> dict[str, str]:
    async with request.form() as sent:
        return {name: value for name, value in sent.items() if isinstance(value, str)}


Form = Annotated[dict[str, str], Depends(_form)]


def create_app(settings: PageSettings, transport: httpx.AsyncBaseTransport | None = None) -> FastAPI:
    """`transport` stands in for the network."""
    templates = Environment(loader=PackageLoader("blog"), autoescape=True, undefined=StrictUndefined)
    script = files("blog").joinpath("static", "page.js").read_bytes()
    http = httpx.AsyncClient(base_url=settings.api_base_url, transport=transport, timeout=5, trust_env=False)
    router = APIRouter(include_in_schema=False)

    def page(posts: Any, problem: str = "", status: int = 200) -> Response:
        html = templates.get_template("index.html").render(posts=posts, problem=problem, words=WORDS)
        return HTMLResponse(html, status, headers={"Content-Security-Policy": "default-src 'self'"})

    async def posts() -> tuple[Any, str]:
        try:
            return (await http.get("/posts")).raise_for_status().json(), ""
        except httpx.HTTPError:
            return [], "The posts can't be read right now. Please try again in a moment."

    async def send(path: str, body: dict[str, str]) -> Response:
        """Back to the list, or the list with what was wrong."""
        try:
            answer = await http.post(path, json=body)
        except httpx.HTTPError:
            answer = httpx.Response(503)
        if answer.is_success:
            return RedirectResponse("/", 303)
        problem = "That can't be taken right now. Please try again in a moment."
        if answer.status_code < 500:
            problem = "; ".join(entry["message"] for entry in answer.json()["errors"])
        return page((await posts())[0], problem, answer.status_code)

    @router.get("/")
    async def index() -> Response:
        found, problem = await posts()
        return page(found, problem, 503 if problem else 200)

    @router.get("/page.js")
    async def page_script() -> Response:
        return Response(script, media_type="text/javascript")

    @router.post("/new-post")
    async def new_post(form: Form) -> Response:
        return await send("/posts/create", {"title": form.get("title", "")})

    @router.post("/new-comment/{post_id}")
    async def new_comment(post_id: str, form: Form) -> Response:
        return await send(f"/posts/{post_id}/comments", {"content": form.get("content", "")})

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with http:
            yield

    return create_http_app("client", [router], lifespan, {})
