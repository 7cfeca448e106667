"""Sign-up, sign-in and sign-out."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from client.api import Api, Apis, SetCookies
from client.flash import Flash
from client.forms import Form, Problems
from client.rendering import Page, Pages, see_other
from client.sign_in import HOME, after_sign_in
from common.base.errors import AppError, CrossSite
from common.http.session import MaybeUser, Sessions

router = APIRouter(prefix="/auth", include_in_schema=False)

FIELDS = ("email", "password")

Next = Annotated[str | None, Query()]


@router.get("/signup")
async def signup_form(user: MaybeUser, page: Pages, next: Next = None) -> Response:
    return see_other(after_sign_in(next)) if user else page("signup.html", email="", next=after_sign_in(next))


@router.post("/signup")
async def signup(page: Pages, api: Apis, form: Form) -> Response:
    return await _begin(page, form, api.signup, "signup.html", Flash.WELCOME)


@router.get("/signin")
async def signin_form(user: MaybeUser, page: Pages, next: Next = None) -> Response:
    return see_other(after_sign_in(next)) if user else page("signin.html", email="", next=after_sign_in(next))


@router.post("/signin")
async def signin(page: Pages, api: Apis, form: Form) -> Response:
    return await _begin(page, form, api.signin, "signin.html")


async def _begin(
    page: Page,
    form: Form,
    ask: Callable[[str, str], Awaitable[SetCookies]],
    template: str,
    message: Flash | None = None,
) -> Response:
    email, path = form.get("email", ""), after_sign_in(form.get("next"))
    try:
        cookies = await ask(email, form.get("password", ""))
    except AppError as error:
        response = page(template, error.status, email=email, next=path, problems=Problems.of(error, FIELDS))
        response.headers.update(error.headers)
        return response
    return see_other(path, cookies, message)


@router.post("/signout")
async def signout(request: Request, api: Apis) -> Response:
    return await _end(request, api)


@router.get("/signout")
async def signout_by_address(request: Request, api: Apis) -> Response:
    """Signs out a user who types the address.

    Raises CrossSite for a request from another site, such as one by an image.
    """
    if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise CrossSite()
    return await _end(request, api)


async def _end(request: Request, api: Api) -> Response:
    """Ends the session in this browser, even if the API fails."""
    cookies: SetCookies = ()
    with suppress(AppError):
        cookies = await api.signout()
    response = see_other(HOME, cookies, Flash.SIGNED_OUT)
    # Browsers obey it over https and on localhost. Elsewhere `no-store` on every page of a member has to do.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    sessions: Sessions = request.app.state.sessions
    sessions.end(response)
    return response
