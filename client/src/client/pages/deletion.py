"""The page by which a member deletes the account."""

from fastapi import APIRouter, Request, Response

from client.api import Api, Apis
from client.flash import Flash
from client.forms import NO_PROBLEMS, Form, Problems, answer_of
from client.i18n import gettext_noop
from client.pages.auth import leave_nothing
from client.rendering import Page, Pages, see_other
from client.sign_in import HOME, Member
from common.base.errors import AppError

router = APIRouter(prefix="/account/delete", include_in_schema=False)

NOT_SURE = Problems({"sure": gettext_noop("Tick this box if you want to delete your account")})


@router.get("")
async def ask(_user: Member, page: Pages, api: Apis) -> Response:
    return await _shown(page, api)


@router.post("")
async def delete(user: Member, request: Request, page: Pages, api: Apis, form: Form) -> Response:
    if not form.get("sure"):
        return await _shown(page, api, 400, NOT_SURE)
    try:
        cookies = await api.delete_account(form.get("password", ""), answer_of(form, "passkey"))
    except AppError as error:
        response = await _shown(page, api, error.status, Problems.of(error, ("password",)), sure=True)
        response.headers.update(error.headers)
        return response
    request.app.state.emails.forget(user.id)
    response = see_other(HOME, cookies, Flash.ACCOUNT_DELETED)
    leave_nothing(request, response)
    return response


async def _shown(
    page: Page, api: Api, status: int = 200, problems: Problems = NO_PROBLEMS, *, sure: bool = False
) -> Response:
    """sure: Whether the box is ticked."""
    passkeys = await api.passkeys()
    return page("delete_account.html", status, passkeys=passkeys, problems=problems, sure=sure)
