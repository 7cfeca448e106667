"""Page of a mail's link that turns notices off, without signing in (RFC 8058).

A mail program posts to the link itself, as a form of either type: the token is read from the address alone.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from client.api import Apis
from client.forms import NO_PROBLEMS, Problems
from client.rendering import Page, Pages
from common.base.errors import AppError

router = APIRouter(include_in_schema=False)

Token = Annotated[str, Query()]


@router.get("/unsubscribe")
async def unsubscribe_form(page: Pages, token: Token = "") -> Response:
    return _shown(page, token)


@router.post("/unsubscribe")
async def unsubscribe(page: Pages, api: Apis, token: Token = "") -> Response:
    """Answers without a redirect, which mail programs do not follow."""
    try:
        await api.unsubscribe(token)
    except AppError as error:
        return _shown(page, token, error=error)
    return _shown(page, token, is_done=True)


def _shown(page: Page, token: str, *, is_done: bool = False, error: AppError | None = None) -> Response:
    problems = NO_PROBLEMS if error is None else Problems.of(error)
    status = 200 if error is None else error.status
    response = page("unsubscribe.html", status, token=token, is_done=is_done, problems=problems)
    if error is not None:
        response.headers.update(error.headers)
    response.headers["Cache-Control"] = "no-store"
    # Not no-referrer: browsers would then send `Origin: null` with the form (`headers.py`).
    response.headers["Referrer-Policy"] = "strict-origin"
    return response
