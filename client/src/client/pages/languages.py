"""The switch between languages. It stores the choice in a cookie for a year."""

from fastapi import APIRouter, Request, Response

from client.forms import Form
from client.languages import COOKIE, LANGUAGES
from client.refusals import LanguageUnknown
from client.rendering import see_other
from client.sign_in import local
from common.http.session import Sessions

router = APIRouter(include_in_schema=False)

A_YEAR = 365 * 24 * 3600


@router.post("/language")
async def choose(request: Request, form: Form) -> Response:
    code = form.get("language", "")
    if code not in LANGUAGES:
        raise LanguageUnknown()
    response = see_other(local(form.get("next")))
    sessions: Sessions = request.app.state.sessions
    sessions.set_cookie(response, COOKIE, code, A_YEAR)
    return response
