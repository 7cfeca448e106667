"""The page: plain forms, and with JavaScript a list that updates itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from urllib.parse import quote

import httpx
from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, PackageLoader, StrictUndefined

from blog.service import POSITION
from blog.settings import PageSettings
from common.http.app import create_http_app

LATER = "Please try again in a moment."
WORDS = {
    "pending": "This comment is awaiting moderation",
    "rejected": "This comment has been rejected",
}


async def _form(request: Request) -> dict[str, str]:
    async with request.form() as sent:
        return {name: value for name, value in sent.items() if isinstance(value, str)}


Form = Annotated[dict[str, str], Depends(_form)]


def create_app(settings: PageSettings, transport: httpx.AsyncBaseTransport | None = None) -> FastAPI:
    """transport: Replaces the network."""
    templates = Environment(loader=PackageLoader("blog"), autoescape=True, undefined=StrictUndefined)
    http = httpx.AsyncClient(base_url=settings.api_base_url, transport=transport, timeout=5, trust_env=False)
    router = APIRouter(include_in_schema=False)

    async def ask(browser: Request, method: str, path: str, **more: Any) -> httpx.Response:
        """Sends the browser's host too, by which an edge routes. Returns 503 if there is no response."""
        passed = {name: browser.headers.get(name, "") for name in ("host", "if-none-match")}
        try:
            return await http.request(method, path, headers=passed, **more)
        except httpx.HTTPError:
            return httpx.Response(503)

    async def page(
        browser: Request, since: int = 0, status: int = 200, problem: str = "", **written: str
    ) -> Response:
        """The list, with `problem` and the `written` input. 304 for a browser that already has this list."""
        found = await ask(browser, "GET", "/posts", params={"since": since})
        headers = {
            "Cache-Control": "no-store",
            "Content-Security-Policy": "default-src 'self'",
            "ETag": found.headers.get("etag", ""),
        }
        if found.status_code == 304:
            return Response(status_code=304, headers=headers)
        posts = found.json() if found.is_success else None
        if posts is None:
            status, problem = max(status, 503), problem or f"The posts can't be read right now. {LATER}"
        template = templates.get_template("index.html")
        html = template.render(posts=posts, problem=problem, words=WORDS, written=written)
        return HTMLResponse(html, status, headers)

    async def send(browser: Request, path: str, body: dict[str, str], **written: str) -> Response:
        """Redirects to a list that includes the write, or shows the form again with its problem."""
        answer = await ask(browser, "POST", path, json=body)
        if answer.is_success:
            return RedirectResponse(f"/?since={answer.headers.get(POSITION, 0)}", 303)
        problem = f"That can't be taken right now. {LATER}"
        if answer.status_code < 500 and answer.headers.get("content-type") == "application/json":
            problem = "; ".join(entry["message"] for entry in answer.json()["errors"])
        return await page(browser, 0, answer.status_code, problem, **body, **written)

    @router.get("/")
    async def index(browser: Request, since: Annotated[int, Query(ge=0, le=2**53)] = 0) -> Response:
        return await page(browser, since)

    @router.post("/new-post")
    async def new_post(browser: Request, form: Form) -> Response:
        return await send(browser, "/posts/create", {"title": form.get("title", "")})

    @router.post("/new-comment/{post}")
    async def new_comment(browser: Request, form: Form, post: str) -> Response:
        body = {"content": form.get("content", "")}
        return await send(browser, f"/posts/{quote(post, safe='')}/comments", body, post=post)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with http:
            yield

    app = create_http_app("client", [router], lifespan, {})
    app.mount("/static", StaticFiles(packages=[("blog", "static")]))
    return app
