"""Fake of the four APIs, in memory: a transport for httpx.

`infra/tests/apis` holds it to the behaviour of the services: one suite runs over both.

| module | holds |
| --- | --- |
| `records.py` | tickets, orders and payments; the failures and delays that a test sets |
| `fields.py` | the checks of bodies and queries |
| `accounts.py` | the changes of an account, of the users API |
| `passkeys.py` | the passkeys of an account, of the users API |
| `files.py` | the file of a listing, of the tickets API |
| `exports.py` | what each API exports of a user |
| `sales.py` | what follows a complete order, of the orders API |
| `payouts.py` | a seller's balance and account, of the payments API |
| `users.py`, `tickets.py`, `orders.py`, `payments.py` | the responses of one API each |
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx

from . import accounts, exports, files, orders, passkeys, payments, payouts, sales, sessions, tickets, users
from .fields import Refusal, entry, not_found
from .records import Order, Records, Ticket

__all__ = ["FakeApis", "Order", "Ticket", "entry"]

ROUTES: Mapping[tuple[str, str], Callable[..., httpx.Response]] = {
    ("POST", "/api/users/signup"): users.signup,
    ("POST", "/api/users/signin"): users.signin,
    ("POST", "/api/users/signout"): users.signout,
    ("GET", "/api/users/currentuser"): users.current,
    ("POST", "/api/users/confirmation"): accounts.confirm,
    ("POST", "/api/users/confirmation/request"): accounts.request_confirmation,
    ("POST", "/api/users/password/reset/request"): accounts.request_reset,
    ("POST", "/api/users/password/reset"): accounts.reset,
    ("PUT", "/api/users/password"): accounts.change_password,
    ("PUT", "/api/users/email"): accounts.change_email,
    ("DELETE", "/api/users/me"): accounts.delete,
    ("PUT", "/api/users/mails"): accounts.choose_mails,
    ("POST", "/api/users/mails/unsubscribe"): accounts.unsubscribe,
    ("GET", "/api/users/sessions"): sessions.index,
    ("DELETE", "/api/users/sessions"): sessions.end_others,
    ("DELETE", "/api/users/sessions/([^/]+)"): sessions.end,
    ("POST", "/api/users/signin/passkey/options"): passkeys.options_to_sign_in,
    ("POST", "/api/users/signin/passkey"): passkeys.sign_in,
    ("POST", "/api/users/passkeys/proof/options"): passkeys.options_to_prove,
    ("POST", "/api/users/passkeys/options"): passkeys.options_to_add,
    ("POST", "/api/users/passkeys"): passkeys.add,
    ("GET", "/api/users/passkeys"): passkeys.index,
    ("PUT", "/api/users/passkeys/([^/]+)"): passkeys.rename,
    ("DELETE", "/api/users/passkeys/([^/]+)"): passkeys.remove,
    ("GET", "/api/users/export"): exports.users,
    ("GET", "/api/tickets/export"): exports.tickets,
    ("GET", "/api/orders/export"): exports.orders,
    ("GET", "/api/payments/export"): exports.payments,
    ("POST", "/api/payments/account"): payouts.open_form,
    ("GET", "/api/payments/account"): payouts.account,
    ("GET", "/api/payments/balance"): payouts.balance,
    ("GET", "/api/payments/entries"): payouts.entries,
    ("POST", "/api/payments/fake/accounts/acct_([^/]+)"): payouts.fill_in,
    ("GET", "/api/tickets"): tickets.index,
    ("POST", "/api/tickets"): tickets.create,
    ("GET", "/api/tickets/summary"): tickets.summary,
    ("GET", "/api/tickets/([^/]+)"): tickets.show,
    ("PUT", "/api/tickets/([^/]+)"): tickets.update,
    ("DELETE", "/api/tickets/([^/]+)"): tickets.withdraw,
    ("POST", "/api/tickets/([^/]+)/relist"): tickets.relist,
    ("PUT", "/api/tickets/([^/]+)/file"): files.add,
    ("GET", "/api/tickets/([^/]+)/file"): files.show,
    ("DELETE", "/api/tickets/([^/]+)/file"): files.remove,
    ("GET", "/api/orders"): orders.index,
    ("POST", "/api/orders"): orders.create,
    ("GET", "/api/orders/receipts/([^/]+)"): orders.receipt,
    ("GET", "/api/orders/sales"): sales.index,
    ("GET", "/api/orders/sales/([^/]+)"): sales.show,
    ("POST", "/api/orders/([^/]+)/delivery"): sales.deliver,
    ("POST", "/api/orders/([^/]+)/acceptance"): sales.accept,
    ("POST", "/api/orders/([^/]+)/refund"): sales.refund,
    ("POST", "/api/orders/([^/]+)/claims"): sales.claim,
    ("POST", "/api/orders/([^/]+)/claims/answer"): sales.answer,
    ("GET", "/api/orders/([^/]+)/receipt"): orders.receipt_of,
    ("GET", "/api/orders/([^/]+)"): orders.show,
    ("DELETE", "/api/orders/([^/]+)"): orders.cancel,
    ("POST", "/api/payments"): payments.pay,
    ("POST", "/api/payments/confirm"): payments.confirm,
}


@dataclass
class FakeApis(Records, httpx.AsyncBaseTransport):
    """The four APIs. seen: All requests."""

    seen: list[httpx.Request] = field(default_factory=list)

    def calls(self, method: str, path: str) -> list[httpx.Request]:
        return [r for r in self.seen if r.method == method and r.url.path == path]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        if self.cuts > 0:
            self.cuts -= 1
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        if isinstance(self.failure, Exception):
            raise self.failure
        if self.failure is not None:
            return self.failure
        try:
            return self._answer(request)
        except Refusal as refusal:
            return refusal.response

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.settle()
        if self.refuses_later_pages and request.url.params.get("cursor"):
            raise Refusal(503)
        for (method, pattern), handler in ROUTES.items():
            match = re.fullmatch(pattern, request.url.path)
            if match and method == request.method:
                return handler(self, request, *match.groups())
        raise not_found()
