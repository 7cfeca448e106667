"""Pages of mailed links: a forgotten password, a new one, the confirmation of an address.

Opening a link changes nothing: programs that look through mail open it, too. Its page has a form that does.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from client.api import Apis
from client.flash import Flash
from client.forms import NO_PROBLEMS, Form, Problems
from client.rendering import Page, Pages, see_other
from client.sign_in import SIGN_IN
from common.base.errors import AppError
from common.http.session import MaybeUser

router = APIRouter(prefix="/auth", include_in_schema=False)

Token = Annotated[str, Query()]


@router.get("/forgot")
async def forgot(page: Pages) -> Response:
    return page("forgot.html", asked_email="")


@router.post("/forgot")
async def request_reset(page: Pages, api: Apis, form: Form) -> Response:
    email = form.get("email", "")
    try:
        await api.request_reset(email)
    except AppError as error:
        response = page(
            "forgot.html", error.status, asked_email=email, problems=Problems.of(error, ("email",))
        )
        response.headers.update(error.headers)
        return response
    return see_other(SIGN_IN, message=Flash.RESET_MAILED)


@router.get("/reset")
async def reset_form(page: Pages, token: Token = "") -> Response:
    return _with_secret(page, "reset.html", token)


@router.post("/reset")
async def reset(page: Pages, api: Apis, form: Form) -> Response:
    token = form.get("token", "")
    try:
        cookies = await api.reset_password(token, form.get("password", ""))
    except AppError as error:
        return _with_secret(page, "reset.html", token, error, ("password",))
    return see_other(SIGN_IN, cookies, Flash.PASSWORD_RESET)


@router.get("/confirm")
async def confirm_form(page: Pages, token: Token = "") -> Response:
    return _with_secret(page, "confirm.html", token)


@router.post("/confirm")
async def confirm(user: MaybeUser, page: Pages, api: Apis, form: Form) -> Response:
    token = form.get("token", "")
    try:
        cookies = await api.confirm_email(token)
    except AppError as error:
        return _with_secret(page, "confirm.html", token, error)
    return see_other("/account" if user else SIGN_IN, cookies, Flash.EMAIL_CONFIRMED)


def _with_secret(
    page: Page, template: str, token: str, error: AppError | None = None, fields: tuple[str, ...] = ()
) -> Response:
    """A page whose form holds the link's token: no cache and no `Referer` gets it."""
    problems = NO_PROBLEMS if error is None else Problems.of(error, fields)
    response = page(template, 200 if error is None else error.status, token=token, problems=problems)
    if error is not None:
        response.headers.update(error.headers)
    response.headers["Cache-Control"] = "no-store"
    # Not no-referrer: browsers would then send `Origin: null` with the form (`headers.py`).
    response.headers["Referrer-Policy"] = "strict-origin"
    return response
