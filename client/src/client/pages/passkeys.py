"""Passkeys: those of a member's account, and sign-in by one. `passkeys.js` asks the device."""

from collections.abc import Awaitable
from functools import partial

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from client.api import Api, Apis
from client.flash import Flash
from client.forms import Form, PasskeyId, Problems, answer_of
from client.pages.account import ACCOUNT, refused, shown
from client.pages.auth import begin
from client.rendering import Page, Pages, Parts, see_other
from client.sign_in import SIGN_IN, Member
from common.base.errors import AppError
from common.http.rendering import JSON

router = APIRouter(include_in_schema=False)


@router.post("/auth/signin/passkey/options")
async def options_to_sign_in(page: Parts, api: Apis) -> Response:
    return await _options(page, api.options_to_sign_in())


@router.post("/auth/signin/passkey")
async def sign_in(request: Request, page: Pages, api: Apis, form: Form) -> Response:
    ask = partial(api.signin_by_passkey, answer_of(form, "passkey"))
    return await begin(request, page, form, ask, SIGN_IN)


@router.get("/auth/signin/passkey")
async def sign_in_again() -> Response:
    """Where a reload, or the switch of the language, leads after a refusal."""
    return see_other(SIGN_IN)


@router.post(f"{ACCOUNT}/passkeys/proof")
async def options_to_prove(_user: Member, page: Parts, api: Apis) -> Response:
    return await _options(page, api.options_to_prove())


@router.post(f"{ACCOUNT}/passkeys/options")
async def options_to_add(_user: Member, page: Parts, api: Apis, form: Form) -> Response:
    password = form.get("passkey_password", "")
    return await _options(page, api.options_to_add_passkey(password, answer_of(form, "passkey")))


@router.post(f"{ACCOUNT}/passkeys")
async def add(_user: Member, page: Pages, api: Apis, form: Form) -> Response:
    try:
        await api.add_passkey(form.get("passkey_name", ""), answer_of(form, "credential"))
    except AppError as error:
        # The page has other fields of these names.
        problems = Problems.of(error, ("name",)).renamed(name="passkey_name")
        return await shown(page, api, error, problems)
    return see_other(ACCOUNT, message=Flash.PASSKEY_ADDED)


@router.get(f"{ACCOUNT}/passkeys")
@router.get(f"{ACCOUNT}/passkeys/{{passkey_id}}/name")
@router.get(f"{ACCOUNT}/passkeys/{{passkey_id}}/removal")
async def account_again() -> Response:
    """As `sign_in_again`."""
    return see_other(ACCOUNT)


@router.post(f"{ACCOUNT}/passkeys/{{passkey_id}}/name")
async def rename(_user: Member, passkey_id: PasskeyId, page: Pages, api: Apis, form: Form) -> Response:
    asked = api.rename_passkey(passkey_id, form.get("name", ""))
    return await _changed(page, api, asked, Flash.PASSKEY_RENAMED)


@router.post(f"{ACCOUNT}/passkeys/{{passkey_id}}/removal")
async def remove(_user: Member, passkey_id: PasskeyId, page: Pages, api: Apis) -> Response:
    return await _changed(page, api, api.remove_passkey(passkey_id), Flash.PASSKEY_REMOVED)


async def _changed(page: Page, api: Api, asked: Awaitable[None], message: Flash) -> Response:
    try:
        await asked
    except AppError as error:
        return await refused(page, api, error, ())
    return see_other(ACCOUNT, message=message)


async def _options(page: Page, asked: Awaitable[bytes]) -> Response:
    """JSON for the script, or the words of a refusal as plain text, which it shows."""
    try:
        return Response(await asked, media_type=JSON)
    except AppError as error:
        problems = Problems.of(error)
        words = " ".join(page.words(message) for message in problems.others)
        return PlainTextResponse(words, error.status, headers=dict(error.headers))
