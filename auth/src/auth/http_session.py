"""What the routes share: whose request it is, and sessions that begin and are renewed."""

from dataclasses import dataclass

from fastapi import Request, Response

from auth.device_names import device_name
from auth.devices import Devices
from auth.domain import Email, Source, User
from auth.email_hashes import EmailHashes
from auth.errors import InvalidCredentials
from auth.mail import languages
from auth.repository import UserRepository
from auth.schemas import UserOutput
from auth.sessions import Origin, SessionRecords
from common.base.errors import NotAuthorized
from common.base.identity import CurrentUser
from common.base.security import SecurityEvent
from common.http import security_notes
from common.http.client_address import SignedClientAddress
from common.http.networks import network_of
from common.http.rendering import json_response
from common.http.session import IssuingSessions


@dataclass(frozen=True, slots=True)
class SessionStarter:
    """must_confirm: The rule that users confirm the address before they sell or buy."""

    users: UserRepository
    records: SessionRecords
    sessions: IssuingSessions
    devices: Devices
    must_confirm: bool

    async def start(self, request: Request, response: Response, user: User) -> None:
        """Begins a session, with its record.

        Raises InvalidCredentials where the password changed meanwhile. A change ends the sessions that are
        stored, and this one is stored before the generation is read again: so no session of the old password
        goes on.
        """
        session = user.new_session()
        await self.records.begin(session, origin_of(request))
        stored = await self.users.of_id(user.id)
        if stored is None or stored.generation != user.generation:
            await self.records.end_own(session)
            raise InvalidCredentials()
        self._set(response, session, user)
        self.devices.remember(request, response, user)

    async def signed_in(self, request: Request, user: User, status: int, event: SecurityEvent) -> Response:
        """The answer that begins the user's session. Raises as `start`."""
        security_notes.about(request.scope, user_id=user.id)
        response = json_response(UserOutput.of(user), status)
        await self.start(request, response, user)
        security_notes.note(request.scope, event)
        return response

    async def renew(self, response: Response, session: CurrentUser, user: User) -> None:
        """Sets the session's cookie again where it says something else than the rule does now."""
        if session.may_trade != user.may_trade(must_confirm=self.must_confirm):
            await self.records.prolong(session)
            self._set(response, session, user)

    def _set(self, response: Response, session: CurrentUser, user: User) -> None:
        may_trade = user.may_trade(must_confirm=self.must_confirm)
        self.sessions.start(response, CurrentUser(user.id, session.session_id, may_trade))

    async def user_of(self, user_id: str) -> User:
        """Raises NotAuthorized for a user who is no more."""
        user = await self.users.of_id(user_id)
        if user is None:
            raise NotAuthorized()
        return user

    async def source_of(self, request: Request, email: Email | None) -> Source:
        """email: Of the account that is tried; None where it does not matter."""
        address = client_address(request)
        if email is None:
            return Source(address)
        generation = await self.users.generation_of(email)
        language = languages.asked(request.headers.get("accept-language", ""))
        return Source(address, self.devices.nonce(request, email, generation), language)


def name_email(request: Request, email: Email) -> None:
    """Has the security log name the e-mail by its hash, whatever comes of the request."""
    hashes: EmailHashes = request.app.state.email_hashes
    security_notes.about(request.scope, email_hash=hashes.of(email))


def client_address(request: Request) -> str:
    """Network address under which failures are counted: an IPv4 address, or a customer's 64-bit IPv6 network.

    The source is the signed header from the pages. Without a valid header, it is the address of the
    connection. Behind a proxy, uvicorn takes that address from the headers of the proxies that it trusts
    (FORWARDED_ALLOW_IPS).
    """
    signed_address: SignedClientAddress = request.app.state.signed_address
    return network_of(signed_address.of_request(request))


def origin_of(request: Request) -> Origin:
    return Origin(device_name(request.headers.get("user-agent", "")), client_address(request))
