"""Sign-up, sign-in and sign-out."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from client.api import Api, Apis, SetCookies
from client.drafts import Continued, DraftFields
from client.flash import Flash
from client.forms import Form, Problems, key_of
from client.i18n import gettext_noop
from client.languages import language_of
from client.rendering import Page, Pages, see_other
from client.sign_in import HOME, SIGN_IN, SIGN_UP, Entry, after_sign_in, entry_page, refuses_cookies
from common.base.errors import AppError, KeyReused
from common.http.cross_site import OWN_SITE
from common.http.session import MaybeUser, Sessions

router = APIRouter(prefix="/auth", include_in_schema=False)

FIELDS = ("email", "password")
SHOW = "show"
"""Field of a form that asks for a page with its draft, and doesn't sign in."""
COOKIES_BLOCKED = gettext_noop(
    "Your browser keeps no cookies of this site, so you would not stay signed in. Allow them, and try again."
)

Next = Annotated[str | None, Query()]


@router.get("/signup")
async def signup_form(user: MaybeUser, page: Pages, kept: DraftFields, next: Next = None) -> Response:
    return see_other(after_sign_in(next)) if user else entry_page(page, SIGN_UP, Entry.of(kept, next))


@router.post("/signup")
async def signup(request: Request, page: Pages, api: Apis, form: Form) -> Response:
    email, password = form.get("email", ""), form.get("password", "")
    ask = partial(api.signup, email, password, key_of(form), language_of(request).tag)
    return await begin(request, page, form, ask, SIGN_UP, Flash.WELCOME)


@router.get("/signin")
async def signin_form(user: MaybeUser, page: Pages, kept: DraftFields, next: Next = None) -> Response:
    return see_other(after_sign_in(next)) if user else entry_page(page, SIGN_IN, Entry.of(kept, next))


@router.post("/signin")
async def signin(request: Request, page: Pages, api: Apis, form: Form) -> Response:
    email, password = form.get("email", ""), form.get("password", "")
    ask = partial(api.signin, email, password, language_of(request).tag)
    return await begin(request, page, form, ask, SIGN_IN)


async def begin(
    request: Request,
    page: Page,
    form: Form,
    ask: Callable[[], Awaitable[SetCookies]],
    path: str,
    message: Flash | None = None,
) -> Response:
    """Begins a session and goes on with what it was for. ask: Of the API. path: Of the form's page."""
    entry = Entry.of(form)
    if SHOW in form:
        return entry_page(page, path, entry)
    if refuses_cookies(request):
        return entry_page(page, path, entry, 400, problems=Problems(others=[COOKIES_BLOCKED]))
    try:
        cookies = await ask()
    except AppError as error:
        if isinstance(error, KeyReused):
            entry = replace(entry, key="")
        response = entry_page(page, path, entry, error.status, problems=Problems.of(error, FIELDS))
        response.headers.update(error.headers)
        return response
    if entry.draft is not None:
        return Continued(entry.draft, cookies)
    return see_other(entry.next, cookies, message)


@router.post("/signout")
async def signout(request: Request, api: Apis) -> Response:
    return await _end(request, api)


@router.get("/signout")
async def signout_by_address(request: Request, page: Pages, api: Apis) -> Response:
    """Signs out a user who typed the address; asks first where the request may not be the user's own act."""
    return await _end(request, api) if _is_own_navigation(request) else page("signout.html")


def _is_own_navigation(request: Request) -> bool:
    """Whether the browser says that its user opens this page, from this site's own or by the address bar.

    Not for an image or a frame, nor for a page that the browser fetches ahead (`Sec-Purpose`). An old browser
    says nothing. Source: https://www.w3.org/TR/fetch-metadata/
    """
    header = request.headers.get
    return (
        header("sec-fetch-site") in OWN_SITE
        and header("sec-fetch-mode") == "navigate"
        and header("sec-fetch-dest") == "document"
        and not any(header(name) for name in ("sec-purpose", "purpose", "x-moz"))
    )


async def _end(request: Request, api: Api) -> Response:
    """Ends the session in this browser, even if the API fails."""
    cookies: SetCookies = ()
    with suppress(AppError):
        cookies = await api.signout()
    response = see_other(HOME, cookies, Flash.SIGNED_OUT)
    leave_nothing(request, response)
    return response


def leave_nothing(request: Request, response: Response) -> None:
    """Ends the session in this browser, and has it forget the pages of the member."""
    # Browsers obey it over https and on localhost. Elsewhere `no-store` on every page of a member has to do.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    sessions: Sessions = request.app.state.sessions
    sessions.end(response)
