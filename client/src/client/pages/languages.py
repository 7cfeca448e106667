"""The switch between languages. It stores the choice in a cookie for a year."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from client import own_cookies
from client.drafts import Continued, Draft
from client.forms import Form
from client.languages import COOKIE, LANGUAGES
from client.refusals import LanguageUnknown
from client.rendering import see_other
from client.sign_in import local
from common.http.session import Sessions

router = APIRouter(include_in_schema=False)

A_YEAR = 365 * 24 * 3600


@router.post("/language")
async def choose(request: Request, form: Form, draft: Annotated[str | None, Query()] = None) -> Response:
    """Shows the same page in the other language, with what was typed there.

    draft: Path of the form whose fields came along with the choice. Without it, a page that was rendered in
    response to a form has that form in the hidden fields of the switch.
    """
    code = form.get("language", "")
    if code not in LANGUAGES:
        raise LanguageUnknown()
    typed = {name: value for name, value in form.items() if name != "language"}
    kept = Draft.carried_by(form) if draft is None else Draft.of(draft, typed)
    response = see_other(local(form.get("next")))
    sessions: Sessions = request.app.state.sessions
    own_cookies.leave(response, sessions, COOKIE, code, A_YEAR)
    if kept is None or kept.is_sent:
        return response
    return Continued(kept, response.headers.getlist("set-cookie"))


@router.get("/language")
async def back(draft: Annotated[str | None, Query()] = None) -> Response:
    """Redirects to the page, for a reload: the browser may show the switch's address."""
    return see_other(local(draft))
