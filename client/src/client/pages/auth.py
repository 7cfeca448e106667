"""Sign-up, sign-in and sign-out."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from client.api import Api, Apis, SetCookies
from client.flash import Flash
from client.forms import Form, Problems, key_of, new_key
from client.rendering import Page, Pages, see_other
from client.sign_in import HOME, after_sign_in
from common.base.errors import AppError, KeyReused
from common.http.cross_site import OWN_SITE
from common.http.session import MaybeUser, Sessions

router = APIRouter(prefix="/auth", include_in_schema=False)

FIELDS = ("email", "password")

Next = Annotated[str | None, Query()]


@router.get("/signup")
async def signup_form(user: MaybeUser, page: Pages, next: Next = None) -> Response:
    path = after_sign_in(next)
    return see_other(path) if user else page("signup.html", email="", next=path, key=new_key())


@router.post("/signup")
async def signup(page: Pages, api: Apis, form: Form) -> Response:
    return await _begin(page, form, partial(api.signup, key=key_of(form)), "signup.html", Flash.WELCOME)


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
        key = new_key() if isinstance(error, KeyReused) else key_of(form) or new_key()
        problems = Problems.of(error, FIELDS)
        response = page(template, error.status, email=email, next=path, key=key, problems=problems)
        response.headers.update(error.headers)
        return response
    return see_other(path, cookies, message)


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
    told = request.headers.get
    return (
        told("sec-fetch-site") in OWN_SITE
        and told("sec-fetch-mode") == "navigate"
        and told("sec-fetch-dest") == "document"
        and not any(told(name) for name in ("sec-purpose", "purpose", "x-moz"))
    )


async def _end(request: Request, api: Api) -> Response:
    """Ends the session in this browser, even if the API fails."""
    cookies: SetCookies = ()
    with suppress(AppError):
        cookies = await api.signout()
    response = see_other(HOME, cookies, Flash.SIGNED_OUT)
    sessions: Sessions = request.app.state.sessions
    sessions.end(response)
    return response
