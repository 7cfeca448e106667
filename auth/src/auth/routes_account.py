"""Routes of an account's address and password: HTTP → command → schema."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from auth import account, account_deletion, confirmations, recovery
from auth.context import AccountContext
from auth.http_session import SessionStarter, client_address, name_email
from auth.proofs import Proof
from auth.schemas import (
    ConfirmationInput,
    DeletionInput,
    EmailInput,
    OwnUserOutput,
    PasswordInput,
    ResetInput,
    ResetRequestInput,
)
from common.base.security import SecurityEvent
from common.http import security_notes
from common.http.body import describes, json_body
from common.http.rendering import JSON, json_response
from common.http.session import SignedIn, current_user

ConfirmationBody = Annotated[ConfirmationInput, json_body(ConfirmationInput)]
ResetRequestBody = Annotated[ResetRequestInput, json_body(ResetRequestInput)]
ResetBody = Annotated[ResetInput, json_body(ResetInput)]
PasswordBody = Annotated[PasswordInput, json_body(PasswordInput)]
EmailBody = Annotated[EmailInput, json_body(EmailInput)]
DeletionBody = Annotated[DeletionInput, json_body(DeletionInput)]


def create_account_router(context: AccountContext, starter: SessionStarter) -> APIRouter:
    router = APIRouter(prefix="/api/users", tags=["account"])

    @router.post(
        "/confirmation",
        responses={200: {"model": OwnUserOutput}},
        openapi_extra=describes(ConfirmationInput),
    )
    async def confirm(body: ConfirmationBody, request: Request) -> Response:
        user = await confirmations.confirm(context, body.token)
        security_notes.about(request.scope, user_id=user.id)
        security_notes.note(request.scope, SecurityEvent.EMAIL_CONFIRMED)
        response = json_response(OwnUserOutput.of(user), 200)
        session = current_user(request)
        if session is not None and session.id == user.id:
            await starter.renew(response, session, user)
        return response

    @router.post("/confirmation/request", status_code=202)
    async def request_confirmation(session: SignedIn, request: Request) -> Response:
        user = await starter.user_of(session.id)
        await confirmations.request_confirmation(context, user, client_address(request))
        response = _accepted()
        await starter.renew(response, session, user)
        return response

    @router.post("/password/reset/request", status_code=202, openapi_extra=describes(ResetRequestInput))
    async def request_reset(body: ResetRequestBody, request: Request) -> Response:
        name_email(request, body.email)
        await recovery.request_reset(context, body.email, client_address(request))
        return _accepted()

    @router.post("/password/reset", status_code=200, openapi_extra=describes(ResetInput))
    async def reset(body: ResetBody, request: Request) -> Response:
        source = await starter.source_of(request, None)
        # Before its end, by which it is anonymous.
        session = current_user(request)
        user = await recovery.reset(context, body.token, body.password, source)
        security_notes.about(request.scope, user_id=user.id)
        security_notes.note(request.scope, SecurityEvent.PASSWORD_CHANGED)
        response = Response(b"{}", media_type=JSON)
        if session is not None and session.id == user.id:
            starter.sessions.end(response)
        return response

    @router.put("/password", status_code=204, openapi_extra=describes(PasswordInput))
    async def change_password(session: SignedIn, body: PasswordBody, request: Request) -> Response:
        user = await starter.user_of(session.id)
        name_email(request, user.email)
        account.check(body.password, user)
        source = await starter.source_of(request, user.email)
        changed = await account.change_password(
            context,
            user,
            Proof(body.current, "current", body.passkey),
            body.password,
            source,
            session.session_id,
        )
        security_notes.note(request.scope, SecurityEvent.PASSWORD_CHANGED)
        response = Response(status_code=204)
        starter.devices.remember(request, response, changed)
        return response

    @router.put("/email", status_code=202, openapi_extra=describes(EmailInput))
    async def change_email(session: SignedIn, body: EmailBody, request: Request) -> Response:
        user = await starter.user_of(session.id)
        name_email(request, user.email)
        source = await starter.source_of(request, user.email)
        proof = Proof(body.password, "password", body.passkey)
        await account.request_address_change(context, user, body.email, proof, source, session.session_id)
        return _accepted()

    @router.delete("/me", status_code=202, openapi_extra=describes(DeletionInput))
    async def delete(session: SignedIn, body: DeletionBody, request: Request) -> Response:
        user = await starter.user_of(session.id)
        name_email(request, user.email)
        source = await starter.source_of(request, user.email)
        proof = Proof(body.password, "password", body.passkey)
        await account_deletion.delete(context, user, proof, source, session.session_id)
        security_notes.note(request.scope, SecurityEvent.ACCOUNT_DELETED)
        response = _accepted()
        starter.sessions.end(response)
        return response

    return router


def _accepted() -> Response:
    return Response(b"{}", 202, media_type=JSON)
