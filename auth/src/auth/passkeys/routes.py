"""Routes of passkeys: HTTP → command → schema."""

from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import TypeAdapter

from auth.context import AccountContext
from auth.domain import User
from auth.failed_sign_ins import Attempt
from auth.http_session import SessionStarter, client_address, name_email
from auth.passkeys import commands, uses
from auth.passkeys.schemas import AddInput, PasskeyOutput, PasskeySignInInput, ProofInput, RenameInput
from auth.proofs import Proof, verify
from auth.schemas import UserOutput
from common.base.security import SecurityEvent
from common.http import security_notes
from common.http.body import describes, json_body
from common.http.rendering import JSON, json_response
from common.http.session import SignedIn

ProofBody = Annotated[ProofInput, json_body(ProofInput)]
AddBody = Annotated[AddInput, json_body(AddInput)]
RenameBody = Annotated[RenameInput, json_body(RenameInput)]
SignInBody = Annotated[PasskeySignInInput, json_body(PasskeySignInInput)]
PASSKEYS = TypeAdapter(list[PasskeyOutput])


def create_passkey_router(context: AccountContext, starter: SessionStarter) -> APIRouter:
    router = APIRouter(prefix="/api/users", tags=["passkeys"])

    @router.post("/signin/passkey/options")
    async def options_to_sign_in() -> Response:
        return _json(uses.options_to_sign_in(context))

    @router.post(
        "/signin/passkey",
        responses={200: {"model": UserOutput}},
        openapi_extra=describes(PasskeySignInInput),
    )
    async def sign_in(body: SignInBody, request: Request) -> Response:
        user_id = await uses.sign_in(context, body.credential, client_address(request))
        user = await starter.user_of(user_id)
        name_email(request, user.email)
        source = await starter.source_of(request, user.email)
        await context.repositories.failures.forget(Attempt.of(user.email, source))
        return await starter.signed_in(request, user, 200, SecurityEvent.SIGN_IN_SUCCEEDED)

    @router.post("/passkeys/proof/options")
    async def options_to_prove(session: SignedIn) -> Response:
        return _json(await uses.options_to_prove(context, session.id, session.session_id))

    @router.post("/passkeys/options", openapi_extra=describes(ProofInput))
    async def options_to_add(session: SignedIn, body: ProofBody, request: Request) -> Response:
        user = await starter.user_of(session.id)
        name_email(request, user.email)
        source = await starter.source_of(request, user.email)
        proof = Proof(body.password, "password", body.passkey)
        await verify(context, user, proof, source, session.session_id)
        return _json(await commands.options_to_add(context, user, session.session_id))

    @router.post("/passkeys", status_code=201, openapi_extra=describes(AddInput))
    async def add(session: SignedIn, body: AddBody, request: Request) -> Response:
        user = await starter.user_of(session.id)
        passkey = await commands.add(context, user, session.session_id, body.name, body.credential)
        _note(request, user, SecurityEvent.PASSKEY_ADDED)
        return json_response(PasskeyOutput.of(passkey), 201)

    @router.get("/passkeys", responses={200: {"model": list[PasskeyOutput]}})
    async def index(session: SignedIn) -> Response:
        passkeys = await context.repositories.passkeys.of_user(session.id)
        content = PASSKEYS.dump_json([PasskeyOutput.of(each) for each in passkeys], by_alias=True)
        return Response(content, media_type=JSON, headers={"Cache-Control": "no-store"})

    @router.put("/passkeys/{passkey_id}", status_code=204, openapi_extra=describes(RenameInput))
    async def rename(session: SignedIn, body: RenameBody, passkey_id: str) -> Response:
        await commands.rename(context, session.id, passkey_id, body.name)
        return Response(status_code=204)

    @router.delete("/passkeys/{passkey_id}", status_code=204)
    async def remove(session: SignedIn, passkey_id: str, request: Request) -> Response:
        user = await starter.user_of(session.id)
        await commands.remove(context, user, passkey_id)
        _note(request, user, SecurityEvent.PASSKEY_REMOVED)
        return Response(status_code=204)

    return router


def _note(request: Request, user: User, event: SecurityEvent) -> None:
    name_email(request, user.email)
    security_notes.about(request.scope, user_id=user.id)
    security_notes.note(request.scope, event)


def _json(options: Mapping[str, Any]) -> Response:
    return Response(orjson.dumps(options), media_type=JSON, headers={"Cache-Control": "no-store"})
