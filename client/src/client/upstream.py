"""The way to the APIs: one bounded pool of connections, and requests on behalf of one browser."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
from fastapi import Request
from pydantic import BaseModel, ValidationError

from client.cookies import Forgetful
from common.base import tracing
from common.base.errors import (
    AppError,
    BadRequest,
    CrossSite,
    ErrorEntry,
    NotAuthorized,
    NotFound,
    PaymentRequired,
    TooLarge,
    Unavailable,
)
from common.http import client_address
from common.http.client_address import SignedClientAddress

log = logging.getLogger(__name__)

LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=50, keepalive_expiry=5)
TIMEOUT = httpx.Timeout(10, connect=2, pool=5)
PROVIDER_TIMEOUT = httpx.Timeout(30, connect=2, pool=5)
"""For what asks a payment provider, who may take its time."""

_FORWARDED = frozenset({b"host", b"cookie", b"x-forwarded-for"})
"""`host` too: an ingress routes by it, and the APIs are of the same origin as the page."""

_CUT = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)

_KINDS: Mapping[int, type[AppError]] = {
    kind.status: kind
    for kind in (BadRequest, PaymentRequired, NotAuthorized, CrossSite, NotFound, TooLarge, Unavailable)
}


def pool(base_url: str, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """What all requests share. It keeps no cookies: each request carries its own browser's."""
    return httpx.AsyncClient(
        base_url=base_url,
        transport=transport or httpx.AsyncHTTPTransport(limits=LIMITS, retries=1, trust_env=False),
        timeout=TIMEOUT,
        trust_env=False,
        headers={"Accept": "application/json", "User-Agent": "gittix-client"},
        cookies=Forgetful(),
    )


@dataclass(frozen=True, slots=True)
class Upstream:
    """The APIs as one browser sees them."""

    http: httpx.AsyncClient
    browser: Mapping[bytes, bytes]
    """The headers that travel on, as they came."""
    signed_address: SignedClientAddress
    address: str
    """The browser's, as far as the edge told it."""

    @classmethod
    def of(cls, request: Request) -> "Upstream":
        headers = {name: value for name, value in request.headers.raw if name in _FORWARDED}
        address = request.client.host if request.client is not None else ""
        headers.setdefault(b"x-forwarded-for", address.encode())
        return cls(request.app.state.http, headers, request.app.state.signed_address, address)

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, str] | None = None,
        timeout: httpx.Timeout = TIMEOUT,
        vouch: bool = False,
    ) -> httpx.Response:
        """The answer of an API. Raises the error that it gave, and Unavailable where it gave none.

        With `vouch` the API may believe which address the browser has, whatever the edge between says.
        """
        signed = {client_address.HEADER: self.signed_address.token(self.address)} if vouch else {}
        request = self.http.build_request(
            method,
            path,
            params=query,
            json=body,
            headers={**self.browser, **_encoded({**signed, **tracing.current().headers()})},
            timeout=timeout,
        )
        try:
            response = await self._ask(request)
        except httpx.TransportError as error:
            log.warning("an API can't be reached", extra={"error": repr(error), "path": path})
            raise Unavailable() from error
        if response.is_success:
            return response
        raise refusal(response)

    async def _ask(self, request: httpx.Request) -> httpx.Response:
        """A read is sent again, once, where its connection was cut: an edge that loads new routes cuts those
        it keeps, some of them just as they are written on (RFC 9110, section 9.2.2, allows it for reads)."""
        try:
            return await self.http.send(request)
        except _CUT:
            if request.method != "GET":
                raise
            return await self.http.send(request)


def _encoded(headers: Mapping[str, str]) -> Mapping[bytes, bytes]:
    return {name.encode(): value.encode() for name, value in headers.items()}


class _Entry(BaseModel):
    """`code` is missing from answers of an edge, and of a service that is older than the codes."""

    message: str
    code: str | None = None
    field: str | None = None


class _Errors(BaseModel):
    errors: list[_Entry]


def refusal(response: httpx.Response) -> AppError:
    """The error that an API answered with: its kind, its codes and messages, its Retry-After."""
    status = Unavailable.status if response.status_code in (502, 504) else response.status_code
    error = _KINDS.get(status, AppError)()
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
    if "retry-after" in response.headers:
        error.headers = {"Retry-After": response.headers["retry-after"]}
    return error
