"""HTTP client of the APIs: one bounded connection pool, and requests on behalf of one browser."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import httpx
from fastapi import Request
from pydantic import BaseModel, ValidationError

from client.cookies import EmptyCookieJar
from common.base import tracing
from common.base.errors import (
    AppError,
    BadRequest,
    CrossSite,
    ErrorEntry,
    KeyReused,
    NotAuthorized,
    NotFound,
    PaymentRequired,
    PreconditionFailed,
    TooLarge,
    TooManyTries,
    Unavailable,
)
from common.http import client_address
from common.http.client_address import SignedClientAddress
from common.http.security_notes import Notes, notes

log = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 30
"""Idle time after which a connection is closed: less than edges keep one (load balancers 60 s, nginx 75 s).

Each new connection asks the name server, which a busy node can delay by seconds.
"""
CONNECT_SECONDS = 5
"""Time for a name server and a handshake, so that the loss of an answer of either doesn't fail a page."""
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=50, keepalive_expiry=KEEP_ALIVE_SECONDS)
TIMEOUT = httpx.Timeout(10, connect=CONNECT_SECONDS, pool=5)
SHORT_TIMEOUT = httpx.Timeout(1)
"""For what a page can do without."""
ASIDE_TIMEOUT = httpx.Timeout(4)
"""For part of a page that is shown without it, where the API may ask a payment provider."""
PROVIDER_TIMEOUT = httpx.Timeout(30, connect=CONNECT_SECONDS, pool=5)
"""For requests that wait for a payment provider, which may take up to 30 s."""

_SEPARATORS = {b"host": b", ", b"cookie": b"; ", b"x-forwarded-for": b", ", b"user-agent": b" "}
"""Forwarded browser headers, and what joins several lines of each into one.

`host`: an ingress routes by it, and the APIs share the page's origin. `API_HOST` replaces it.
`user-agent`: auth names a session's device by it.
"""

_CONNECTION_LOST = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)

_KINDS: Mapping[int, type[AppError]] = {
    kind.status: kind
    for kind in (
        *(BadRequest, PaymentRequired, NotAuthorized, CrossSite, NotFound, PreconditionFailed),
        *(TooLarge, KeyReused, Unavailable),
    )
}


def pool(base_url: str, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """The connection pool of all requests. Stores no cookies: each request carries those of its browser."""
    return httpx.AsyncClient(
        base_url=base_url,
        transport=transport or httpx.AsyncHTTPTransport(limits=LIMITS, retries=1, trust_env=False),
        timeout=TIMEOUT,
        trust_env=False,
        headers={"Accept": "application/json", "User-Agent": "gittix-client"},
        cookies=EmptyCookieJar(),
    )


@dataclass(frozen=True, slots=True)
class Upstream:
    """The APIs as one browser sees them."""

    http: httpx.AsyncClient
    browser: Mapping[bytes, bytes]
    """The forwarded headers, with unchanged values."""
    signed_address: SignedClientAddress
    address: str
    """IP address of the browser, as the edge reports it; "" if unknown."""
    notes: Notes = field(default_factory=Notes)
    """For the security log: the APIs see the address of these pages, which alone see the browser's."""

    @classmethod
    def of(cls, request: Request) -> "Upstream":
        headers = _joined(request.headers.raw)
        if own_host := request.app.state.api_host:
            headers[b"host"] = own_host.encode()
        address = request.client.host if request.client is not None else ""
        headers.setdefault(b"x-forwarded-for", address.encode())
        return cls(
            request.app.state.http, headers, request.app.state.signed_address, address, notes(request.scope)
        )

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: httpx.Timeout = TIMEOUT,
        sign_address: bool = False,
    ) -> httpx.Response:
        """The response of an API. Raises the API's error, or Unavailable if there is no response.

        content: A body that is no JSON.
        sign_address: Sends the browser's IP address in a signed header, which the API trusts over the edge's.
        """
        signed = {client_address.HEADER: self.signed_address.token(self.address)} if sign_address else {}
        request = self.http.build_request(
            method,
            path,
            params=query,
            json=body,
            content=content,
            headers={
                **({} if content is None else {b"content-type": b"application/octet-stream"}),
                **self.browser,
                **_encoded({**signed, **(headers or {}), **tracing.current().headers()}),
            },
            timeout=timeout,
        )
        try:
            response = await self._ask(request)
        except httpx.TransportError as error:
            log.warning("API unreachable", extra={"error": repr(error), "path": path})
            raise Unavailable() from error
        if response.is_success:
            return response
        self.notes.refusal = refusal(response)
        raise self.notes.refusal

    async def _ask(self, request: httpx.Request) -> httpx.Response:
        """Sends a request, and retries a GET once after a lost connection.

        An edge that loads new routes closes its idle connections, sometimes just as a request is written to
        one. RFC 9110, section 9.2.2, allows the retry for reads.
        """
        try:
            return await self.http.send(request)
        except _CONNECTION_LOST:
            if request.method != "GET":
                raise
            return await self.http.send(request)


def _joined(raw: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The forwarded headers of a request, one line each. Cookie lines are parts of one (RFC 9113, 8.2.3)."""
    joined: dict[bytes, bytes] = {}
    for name, value in raw:
        if name in _SEPARATORS:
            joined[name] = joined[name] + _SEPARATORS[name] + value if name in joined else value
    return joined


def _encoded(headers: Mapping[str, str]) -> Mapping[bytes, bytes]:
    return {name.encode(): value.encode() for name, value in headers.items()}


class _Entry(BaseModel):
    """One error on the wire. An edge, and a service older than the error codes, send no `code`."""

    message: str
    code: str | None = None
    field: str | None = None


class _Errors(BaseModel):
    errors: list[_Entry]


def refusal(response: httpx.Response) -> AppError:
    """The error of an API's response: its type by status, its codes and messages, its Retry-After.

    502 and 504 count as Unavailable (503).
    """
    status = Unavailable.status if response.status_code in (502, 504) else response.status_code
    error = TooManyTries(1) if status == TooManyTries.status else _KINDS.get(status, AppError)()
    error.headers = {}
    if error.status != status and 400 <= status < 500:
        error.status = status
    try:
        entries = _Errors.model_validate_json(response.content).errors
    except ValidationError:
        entries = []
    if entries:
        error.entries = tuple(
            ErrorEntry(entry.message, entry.code or error.code, entry.field) for entry in entries
        )
        error.code = error.entries[0].code
    if isinstance(error, KeyReused):
        error.created = response.links.get("related", {}).get("url")
    if "retry-after" in response.headers:
        error.headers = {"Retry-After": response.headers["retry-after"]}
    return error
