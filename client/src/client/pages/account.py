"""A member's own account: the e-mail address, the password and the sessions."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress

from fastapi import APIRouter, Response

from client.api import Api, Apis, SetCookies
from client.flash import Flash
from client.forms import NO_PROBLEMS, Form, Problems, answer_of
from client.rendering import Page, Pages, see_other
from client.sign_in import Member
from common.base.errors import AppError, NotAuthorized, NotFound

router = APIRouter(prefix="/account", include_in_schema=False)

ACCOUNT = "/account"
SESSION_ID = re.compile(r"[\w-]{1,64}", re.ASCII)
"""Part of an API's path: nothing that leads elsewhere."""
PASSWORD_FIELDS = ("current", "password")


@router.get("")
async def account(_user: Member, page: Pages, api: Apis) -> Response:
    return await shown(page, api)


@router.post("/confirmation")
async def request_confirmation(_user: Member, page: Pages, api: Apis) -> Response:
    try:
        cookies = await api.request_confirmation()
    except AppError as error:
        return await refused(page, api, error, ())
    return see_other(ACCOUNT, cookies, Flash.CONFIRMATION_MAILED)


@router.post("/email")
async def change_email(_user: Member, page: Pages, api: Apis, form: Form) -> Response:
    email = form.get("email", "")
    try:
        await api.change_email(email, form.get("email_password", ""), answer_of(form, "passkey"))
    except AppError as error:
        # The page has a field of the same name in its other form.
        renamed = Problems.of(error, ("email", "password")).renamed(password="email_password")
        return await shown(page, api, error, renamed, email)
    return see_other(ACCOUNT, message=Flash.EMAIL_CHANGE_MAILED)


@router.post("/password")
async def change_password(_user: Member, page: Pages, api: Apis, form: Form) -> Response:
    try:
        passkey = answer_of(form, "passkey")
        cookies = await api.change_password(form.get("current", ""), form.get("password", ""), passkey)
    except AppError as error:
        return await refused(page, api, error, PASSWORD_FIELDS)
    return see_other(ACCOUNT, cookies, Flash.PASSWORD_CHANGED)


@router.post("/mails")
async def choose_mails(_user: Member, page: Pages, api: Apis, form: Form) -> Response:
    try:
        await api.choose_mails(form.get("mail_language", ""), notices=form.get("notices") != "off")
    except AppError as error:
        return await refused(page, api, error, ())
    return see_other(ACCOUNT, message=Flash.MAILS_CHOSEN)


@router.post("/sessions/end")
async def end_session(_user: Member, api: Apis, form: Form) -> Response:
    """One that has ended meanwhile, as by the same form in another tab, is what was asked for."""
    cookies: SetCookies = ()
    session_id = form.get("id", "")
    if SESSION_ID.fullmatch(session_id) is not None:
        with suppress(NotFound):
            cookies = await api.end_session(session_id)
    return see_other(ACCOUNT, cookies, Flash.SESSION_ENDED)


@router.post("/sessions/end-others")
async def end_other_sessions(_user: Member, api: Apis) -> Response:
    await api.end_other_sessions()
    return see_other(ACCOUNT, message=Flash.OTHER_SESSIONS_ENDED)


async def refused(page: Page, api: Api, error: AppError, fields: Sequence[str]) -> Response:
    return await shown(page, api, error, Problems.of(error, fields))


async def shown(
    page: Page, api: Api, error: AppError | None = None, problems: Problems = NO_PROBLEMS, email: str = ""
) -> Response:
    """The page, with the session as auth has it now. email: As typed. Raises NotAuthorized without a user."""
    (own, cookies), passkeys, sessions = await asyncio.gather(api.own_user(), api.passkeys(), api.sessions())
    if own is None:
        raise NotAuthorized()
    status = 200 if error is None else error.status
    response = page(
        "account.html",
        status,
        own=own,
        passkeys=passkeys,
        sessions=sessions,
        problems=problems,
        typed_email=email,
    )
    if error is not None:
        response.headers.update(error.headers)
    response.raw_headers.extend((b"set-cookie", cookie.encode("latin-1")) for cookie in cookies)
    return response
