"""Routes of the users API: HTTP → command → schema."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from auth import commands
from auth.devices import Devices
from auth.domain import Email, Source, User
from auth.email_hashes import EmailHashes
from auth.hash_queue import HashQueue
from auth.repository import Repositories
from auth.schemas import CurrentUserOutput, SignInInput, SignUpInput, UserOutput
from common.base.security import SecurityEvent
from common.http import security_notes
from common.http.body import describes, json_body
from common.http.client_address import SignedClientAddress
from common.http.fast_route import FastRoute
from common.http.idempotency import creation_of
from common.http.networks import network_of
from common.http.rendering import JSON, json_response
from common.http.session import IssuingSessions, current_user

SignUpBody = Annotated[SignUpInput, json_body(SignUpInput)]
SignInBody = Annotated[SignInInput, json_body(SignInInput)]


def create_router(
    repositories: Repositories,
    hashing: HashQueue,
    sessions: IssuingSessions,
    devices: Devices,
    signed_address: SignedClientAddress,
) -> APIRouter:
    router = APIRouter(prefix="/api/users", tags=["users"])

    def signed_in(request: Request, user: User, status: int, event: SecurityEvent) -> Response:
        security_notes.about(request.scope, user_id=user.id)
        security_notes.note(request.scope, event)
        response = json_response(UserOutput.of(user), status)
        sessions.start(response, user.new_session(), user.email.address)
        devices.remember(request, response, user.email)
        return response

    def source_of(request: Request, email: Email) -> Source:
        return Source(client_address(request, signed_address), devices.nonce(request, email))

    @router.post("/signup", responses={201: {"model": UserOutput}}, openapi_extra=describes(SignUpInput))
    async def sign_up(body: SignUpBody, request: Request) -> Response:
        name_email(request, body.email)
        # Without the password: a digest of one that is stored could be guessed.
        creation = creation_of(request, "", body.email.key)
        source = source_of(request, body.email)
        user = await commands.sign_up(repositories, hashing, body.email, body.password, source, creation)
        return signed_in(request, user, 201, SecurityEvent.SIGNED_UP)

    @router.post("/signin", responses={200: {"model": UserOutput}}, openapi_extra=describes(SignInInput))
    async def sign_in(body: SignInBody, request: Request) -> Response:
        name_email(request, body.email)
        source = source_of(request, body.email)
        user = await commands.sign_in(repositories, hashing, body.email, body.password, source)
        return signed_in(request, user, 200, SecurityEvent.SIGN_IN_SUCCEEDED)

    @router.post("/signout")
    async def sign_out() -> Response:
        response = Response(b"{}", media_type=JSON)
        sessions.end(response)
        return response

    async def show_current_user(request: Request) -> Response:
        session = current_user(request)
        user = None if session is None else await repositories.users.of_id(session.id)
        response = json_response(CurrentUserOutput.of(user))
        response.headers["Cache-Control"] = "no-store"
        return response

    router.add_api_route(
        "/currentuser",
        show_current_user,
        route_class_override=FastRoute,
        responses={200: {"model": CurrentUserOutput}},
    )

    return router


def name_email(request: Request, email: Email) -> None:
    """Has the security log name the e-mail by its hash, whatever comes of the request."""
    hashes: EmailHashes = request.app.state.email_hashes
    security_notes.about(request.scope, email_hash=hashes.of(email))


def client_address(request: Request, signed_address: SignedClientAddress) -> str:
    """Network address under which failures are counted: an IPv4 address, or a customer's 64-bit IPv6 network.

    The source is the signed header from the pages. Without a valid header, it is the address of the
    connection. Behind a proxy, uvicorn takes that address from the headers of the proxies that it trusts
    (FORWARDED_ALLOW_IPS).
    """
    return network_of(signed_address.of_request(request))
