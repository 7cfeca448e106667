"""Addresses of pages with a slash too many, as people type them: `/orders/` leads to `/orders`."""

from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match, Mount

from common.base.errors import NotFound
from common.http.rendering import render


def redirects_trailing_slashes(app: FastAPI) -> None:
    """Redirects (308) a GET of a page's address with slashes at its end; other unknown addresses are 404."""

    @app.exception_handler(HTTPStatus.NOT_FOUND)
    async def _missing(request: Request, _error: HTTPException) -> Response:
        target = _without_slashes(request)
        if target is None:
            return render(NotFound())
        return RedirectResponse(target, HTTPStatus.PERMANENT_REDIRECT)


def _without_slashes(request: Request) -> str | None:
    """The page's address, with its query; None where there is no page."""
    path, address = request.scope["path"], request.scope["raw_path"].decode("ascii")
    # `//host` would be another site's address; `%2F` at the end would stay there.
    if request.method != "GET" or not address.endswith("/") or path.startswith(("//", "/\\")):
        return None
    scope = {**request.scope, "path": path.rstrip("/"), "root_path": ""}
    pages = (route for route in request.app.router.routes if not isinstance(route, Mount))
    if not any(route.matches(scope)[0] is Match.FULL for route in pages):
        return None
    query = request.url.query
    return f"{address.rstrip('/')}?{query}" if query else address.rstrip("/")
