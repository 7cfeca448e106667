"""Routes of the users API: HTTP → command → schema."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from auth import commands
from auth.hash_queue import HashQueue
from auth.http_session import SessionStarter, name_email, origin_of
from auth.repository import Repositories
from auth.schemas import CurrentUserOutput, SignInInput, SignUpInput, UserOutput
from common.base.security import SecurityEvent
from common.http.body import describes, json_body
from common.http.fast_route import FastRoute
from common.http.idempotency import creation_of
from common.http.rendering import JSON, json_response
from common.http.session import current_user

SignUpBody = Annotated[SignUpInput, json_body(SignUpInput)]
SignInBody = Annotated[SignInInput, json_body(SignInInput)]


def create_router(repositories: Repositories, hashing: HashQueue, starter: SessionStarter) -> APIRouter:
    router = APIRouter(prefix="/api/users", tags=["users"])

    @router.post("/signup", responses={201: {"model": UserOutput}}, openapi_extra=describes(SignUpInput))
    async def sign_up(body: SignUpBody, request: Request) -> Response:
        name_email(request, body.email)
        # Without the password: a digest of one that is stored could be guessed.
        creation = creation_of(request, "", body.email.key)
        source = await starter.source_of(request, body.email)
        user = await commands.sign_up(repositories, hashing, body.email, body.password, source, creation)
        return await starter.signed_in(request, user, 201, SecurityEvent.SIGNED_UP)

    @router.post("/signin", responses={200: {"model": UserOutput}}, openapi_extra=describes(SignInInput))
    async def sign_in(body: SignInBody, request: Request) -> Response:
        name_email(request, body.email)
        source = await starter.source_of(request, body.email)
        user = await commands.sign_in(repositories, hashing, body.email, body.password, source)
        return await starter.signed_in(request, user, 200, SecurityEvent.SIGN_IN_SUCCEEDED)

    @router.post("/signout")
    async def sign_out(request: Request) -> Response:
        session = current_user(request)
        if session is not None:
            await starter.records.end_own(session)
        response = Response(b"{}", media_type=JSON)
        starter.sessions.end(response)
        return response

    async def show_current_user(request: Request) -> Response:
        session = current_user(request)
        user = None if session is None else await repositories.users.of_id(session.id)
        response = json_response(CurrentUserOutput.of(user))
        if session is not None and user is not None:
            await starter.records.use(session, origin_of(request))
            await starter.renew(response, session, user)
        response.headers["Cache-Control"] = "no-store"
        return response

    router.add_api_route(
        "/currentuser",
        show_current_user,
        route_class_override=FastRoute,
        responses={200: {"model": CurrentUserOutput}},
    )

    return router
