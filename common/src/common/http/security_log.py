"""The security log's view of requests: who was refused, for what, from where.

A request's notes (`security_notes.py`) are written once it is over.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from starlette.requests import Request
from starlette.types import Scope

from common.base import security
from common.base.errors import CrossSite, TooManyTries
from common.base.security import Fields, SecurityEvent
from common.http.client_address import SignedClientAddress, of_connection
from common.http.security_notes import Notes, known_of

_BY_CODE = {CrossSite.code: SecurityEvent.CROSS_SITE, TooManyTries.code: SecurityEvent.THROTTLED}
_BY_STATUS = {
    401: SecurityEvent.ACCESS_DENIED,
    403: SecurityEvent.ACCESS_DENIED,
    429: SecurityEvent.LIMIT_MET,
}


@dataclass(frozen=True, slots=True)
class SecurityLog:
    """by_code: Event of a refusal by its code, for codes that the library doesn't know."""

    by_code: Mapping[str, SecurityEvent]

    def write(self, scope: Scope, status: int) -> None:
        """Writes the lines of a request that is over; none for most requests."""
        known = known_of(scope)
        if known is None:
            return
        refused = self._event_of(known)
        if refused is None and not known.events:
            return
        fields: Fields = {**_fields(scope), **known.about}
        for event in known.events:
            line: Fields = {**fields, "status": status}
            security.record(event, **line)
        if refused is not None and known.refusal is not None:
            line = {**fields, "status": known.refusal.status, "code": str(known.refusal.code)}
            security.record(refused, **line)

    def _event_of(self, known: Notes) -> SecurityEvent | None:
        refusal = known.refusal
        if refusal is None:
            return None
        if refusal.status == 404:
            return SecurityEvent.ACCESS_DENIED if known.private else None
        return self.by_code.get(refusal.code) or _BY_CODE.get(refusal.code) or _BY_STATUS.get(refusal.status)


NO_CODES = SecurityLog({})


def _fields(scope: Scope) -> Fields:
    request = Request(scope)
    sessions = getattr(request.app.state, "sessions", None)
    user = None if sessions is None else sessions.of_request(request)
    route = scope.get("route")
    return {
        "user_id": None if user is None else user.id,
        "client_address": address_of(request),
        "method": scope["method"],
        "route": "unmatched" if route is None else route.path,
    }


def address_of(request: Request) -> str:
    """IP address of the browser or program; "unknown" where the connection or the edge names none.

    From pages it is that of their signed header, which auth alone can read; to the other services, their
    requests come from the pages' own address. The pages write a line of their own, with the same request id.
    """
    signed: SignedClientAddress | None = getattr(request.app.state, "signed_address", None)
    host = of_connection(request) if signed is None else signed.of_request(request)
    try:
        return str(ip_address(host))
    except ValueError:
        return "unknown"
