"""Fake of the four APIs, in memory: a transport for httpx."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from common.base import times
from common.base.errors import InvalidValue
from common.base.identity import CurrentUser
from common.base.ids import new_id
from common.base.money import Money
from common.contract.error_codes import ErrorCode
from common.testing.browser import SESSIONS

HOLD = timedelta(minutes=15)
ORDERED = ("id", "title", "price", "eventDate", "venue", "seat")
"""Fields of the ticket in an order."""


class Refusal(Exception):
    def __init__(self, status: int, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.response = httpx.Response(status, json={"errors": [entry(code, message, field)]})


def entry(code: str, message: str, field: str | None = None) -> dict[str, str]:
    """One error on the wire."""
    given = {"code": code, "message": message}
    return given if field is None else given | {"field": field}


@dataclass
class Ticket:
    title: str
    price: Money
    user_id: str
    status: str = "available"
    order_id: str | None = None
    event_date: str | None = None
    venue: str | None = None
    seat: str | None = None
    version: int = 0
    id: str = field(default_factory=new_id)

    def json(self) -> Mapping[str, Any]:
        return {
            "id": self.id,
            "title": self.title,
            "price": self.price.to_number(),
            "eventDate": self.event_date,
            "venue": self.venue,
            "seat": self.seat,
            "userId": self.user_id,
            "version": self.version,
            "orderId": self.order_id,
            "status": self.status,
        }


@dataclass
class Order:
    ticket: Ticket
    user_id: str
    status: str = "created"
    payment: str | None = None
    expires_at: datetime = field(default_factory=lambda: times.now() + HOLD)
    id: str = field(default_factory=new_id)

    def json(self) -> Mapping[str, Any]:
        ticket = {k: v for k, v in self.ticket.json().items() if k in ORDERED}
        return {
            "id": self.id,
            "userId": self.user_id,
            "status": self.status,
            "expiresAt": times.iso(self.expires_at),
            "version": 0,
            "ticket": ticket,
            "payment": self.payment,
        }


@dataclass
class FakeApis(httpx.AsyncBaseTransport):
    """The four APIs, with failures and delays that a test sets.

    seen: All requests. failure: Raised, or returned, for every request.
    lag: Number of requests for an order before its payment shows; also for which the orders API has not
        received a new ticket yet.
    behind: Number of requests for which the payments API has not received a new order yet.
    cuts: Number of the next requests that lose their connection.
    old_price: Price that the orders API still has for the next request.
    orders_hidden: Number of requests for which a ticket is still shown without its order.
    client_secret: If set, the bank still waits for its customer.
    """

    users: dict[str, tuple[CurrentUser, str]] = field(default_factory=dict)
    tickets: dict[str, Ticket] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    charges: list[str] = field(default_factory=list)
    seen: list[httpx.Request] = field(default_factory=list)
    failure: Exception | httpx.Response | None = None
    lag: int = 0
    behind: int = 0
    cuts: int = 0
    old_price: Money | None = None
    orders_hidden: int = 0
    reserved_code: str = ErrorCode.TICKET_RESERVED
    bank_refuses: bool = False
    provider_says: str = "Your card was declined."
    client_secret: str | None = None
    _coming: dict[str, tuple[int, str]] = field(default_factory=dict)

    def sell(self, title: str = "Concert", price: str = "20", seller: str | None = None) -> Ticket:
        ticket = Ticket(title, Money.parse(price), seller or new_id())
        self.tickets[ticket.id] = ticket
        return ticket

    def order(self, buyer: CurrentUser, ticket: Ticket | None = None, **state: Any) -> Order:
        ticket = ticket or self.sell()
        order = Order(ticket, buyer.id, **state)
        self.orders[order.id] = order
        ticket.order_id, ticket.status = order.id, "held"
        return order

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
        for method, pattern, handler in self._routes():
            match = re.fullmatch(pattern, request.url.path)
            if match and method == request.method:
                return handler(request, *match.groups())
        raise Refusal(404, ErrorCode.NOT_FOUND, "Not found")

    def _routes(self) -> list[tuple[str, str, Callable[..., httpx.Response]]]:
        return [
            ("POST", "/api/users/signup", self._signup),
            ("POST", "/api/users/signin", self._signin),
            ("POST", "/api/users/signout", self._signout),
            ("GET", "/api/tickets", self._on_sale),
            ("POST", "/api/tickets", self._create_ticket),
            ("GET", "/api/tickets/summary", self._summary),
            ("GET", "/api/tickets/([^/]+)", self._ticket),
            ("PUT", "/api/tickets/([^/]+)", self._update_ticket),
            ("DELETE", "/api/tickets/([^/]+)", self._withdraw),
            ("GET", "/api/orders", self._orders),
            ("POST", "/api/orders", self._create_order),
            ("GET", "/api/orders/([^/]+)", self._order),
            ("DELETE", "/api/orders/([^/]+)", self._cancel),
            ("POST", "/api/payments", self._pay),
            ("POST", "/api/payments/confirm", self._confirm),
        ]

    # users

    def _signup(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if "@" not in body["email"]:
            raise Refusal(400, ErrorCode.EMAIL_INVALID, "Email must be valid", "email")
        if len(body["password"]) < 8:
            raise Refusal(400, ErrorCode.PASSWORD_INVALID, "Password must be 8 to 128 characters", "password")
        if body["email"] in self.users:
            raise Refusal(400, ErrorCode.EMAIL_IN_USE, "Email in use", "email")
        user = CurrentUser(new_id(), body["email"])
        self.users[user.email] = (user, body["password"])
        return self._session(201, user)

    def _signin(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if not body["password"]:
            raise Refusal(400, ErrorCode.PASSWORD_REQUIRED, "You must supply a password", "password")
        user, password = self.users.get(body["email"], (None, None))
        if user is None or password != body["password"]:
            raise Refusal(400, ErrorCode.INVALID_CREDENTIALS, "Invalid credentials")
        return self._session(200, user)

    def _session(self, status: int, user: CurrentUser) -> httpx.Response:
        cookie = f"{SESSIONS.cookie}={SESSIONS.token(user)}; HttpOnly; Path=/; SameSite=lax"
        return httpx.Response(
            status, json={"id": user.id, "email": user.email}, headers={"Set-Cookie": cookie}
        )

    def _signout(self, _request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={}, headers={"Set-Cookie": f"{SESSIONS.cookie}=; Max-Age=0; Path=/"})

    # tickets

    def _on_sale(self, request: httpx.Request) -> httpx.Response:
        query = request.url.params
        if len(query.get("q", "")) > 100:
            raise Refusal(400, ErrorCode.Q_TOO_LONG, "String should have at most 100 characters", "q")
        if query.get("seller") == "me":
            user = _user(request)
            found = [t for t in self.tickets.values() if t.user_id == user.id]
        else:
            found = [t for t in self.tickets.values() if t.status == "available"]
        found = [t for t in found if query.get("q", "").casefold() in t.title.casefold()]
        found = [t for t in found if query.get("status", t.status) == t.status]
        if "minPrice" in query:
            least = _price(query["minPrice"], "minPrice")
            found = [t for t in found if t.price >= least]
        found.sort(key=lambda t: t.id, reverse=True)
        if query.get("sort") == "price":
            found.sort(key=lambda t: t.price)
        start, limit = int(query.get("cursor", 0)), int(query.get("limit", 50))
        headers = {}
        if len(found) > start + limit:
            following = query.set("cursor", start + limit).set("limit", limit)
            headers["Link"] = f'</api/tickets?{following}>; rel="next"'
        shown = [t.json() for t in found[start : start + limit]]
        return httpx.Response(200, json=shown, headers=headers)

    def _summary(self, request: httpx.Request) -> httpx.Response:
        own = [t for t in self.tickets.values() if t.user_id == _user(request).id]
        counts = {s: sum(t.status == s for t in own) for s in ("available", "held", "sold", "withdrawn")}
        earned = sum(t.price.cents for t in own if t.status == "sold") / 100
        return httpx.Response(200, json={**counts, "earned": earned})

    def _create_ticket(self, request: httpx.Request) -> httpx.Response:
        user = _user(request)
        title, price = _ticket_body(request)
        ticket = Ticket(title, price, user.id, **_details(request))
        self.tickets[ticket.id] = ticket
        return httpx.Response(201, json=ticket.json())

    def _ticket(self, _request: httpx.Request, ticket_id: str) -> httpx.Response:
        shown = self._found(ticket_id).json()
        if self.orders_hidden > 0 and shown["status"] == "held":
            self.orders_hidden -= 1
            shown = {**shown, "status": "available", "orderId": None}
        return httpx.Response(200, json=shown)

    def _update_ticket(self, request: httpx.Request, ticket_id: str) -> httpx.Response:
        title, price = _ticket_body(request)
        ticket = self._own_ticket(request, ticket_id)
        if ticket.order_id is not None:
            raise Refusal(400, ErrorCode.TICKET_NOT_EDITABLE, "Cannot edit a reserved ticket")
        ticket.title, ticket.price = title, price
        vars(ticket).update(_details(request))
        return httpx.Response(200, json=ticket.json())

    def _withdraw(self, request: httpx.Request, ticket_id: str) -> httpx.Response:
        ticket = self._own_ticket(request, ticket_id)
        if ticket.order_id is not None:
            raise Refusal(400, ErrorCode.TICKET_NOT_WITHDRAWABLE, "Cannot withdraw a reserved or sold ticket")
        ticket.status = "withdrawn"
        return httpx.Response(204)

    def _found(self, ticket_id: str) -> Ticket:
        ticket = self.tickets.get(ticket_id)
        if ticket is None or ticket.status == "withdrawn":
            raise Refusal(404, ErrorCode.NOT_FOUND, "Not found")
        return ticket

    def _own_ticket(self, request: httpx.Request, ticket_id: str) -> Ticket:
        user, ticket = _user(request), self._found(ticket_id)
        if ticket.user_id != user.id:
            raise Refusal(401, ErrorCode.NOT_AUTHORIZED, "Not authorized")
        return ticket

    # orders

    def _orders(self, request: httpx.Request) -> httpx.Response:
        user = _user(request)
        orders = [o for o in self.orders.values() if o.user_id == user.id]
        start, limit = int(request.url.params.get("cursor", 0)), int(request.url.params.get("limit", 100))
        headers = {}
        if len(orders) > start + limit:
            headers["Link"] = f'</api/orders?limit={limit}&cursor={start + limit}>; rel="next"'
        shown = [o.json() for o in reversed(orders)][start : start + limit]
        return httpx.Response(200, json=shown, headers=headers)

    def _create_order(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        user, ticket = _user(request), self.tickets.get(body["ticketId"])
        if ticket is None or self.lag > 0:
            self.lag -= 1
            raise Refusal(404, ErrorCode.NOT_FOUND, "Not found")
        if ticket.user_id == user.id:
            raise Refusal(400, ErrorCode.OWN_TICKET, "You can't buy your own ticket")
        if "price" in body and Money.parse(body["price"]) != (self.old_price or ticket.price):
            self.old_price = None
            raise Refusal(400, ErrorCode.PRICE_CHANGED, "The price has changed, please look again", "price")
        if ticket.order_id is not None:
            raise Refusal(400, self.reserved_code, "Ticket is already reserved")
        return httpx.Response(201, json=self.order(user, ticket).json())

    def _order(self, request: httpx.Request, order_id: str) -> httpx.Response:
        order = self._own_order(request, order_id)
        self._arrive(order)
        return httpx.Response(200, json=order.json())

    def _arrive(self, order: Order) -> None:
        """Applies a payment to its order after `lag` requests for the order."""
        asks, status = self._coming.pop(order.id, (0, order.status))
        if asks > 0:
            self._coming[order.id] = (asks - 1, status)
        else:
            order.status = status

    def _cancel(self, request: httpx.Request, order_id: str) -> httpx.Response:
        order = self._own_order(request, order_id)
        if order.status == "complete":
            raise Refusal(400, ErrorCode.ORDER_COMPLETE, "Cannot cancel a completed order")
        order.status = "cancelled"
        order.ticket.order_id, order.ticket.status = None, "available"
        return httpx.Response(204)

    def _own_order(self, request: httpx.Request, order_id: str) -> Order:
        user, order = _user(request), self.orders.get(order_id)
        if order is None:
            raise Refusal(404, ErrorCode.NOT_FOUND, "Not found")
        if order.user_id != user.id:
            raise Refusal(401, ErrorCode.NOT_AUTHORIZED, "Not authorized")
        return order

    # payments

    def _pay(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if self.behind > 0:
            self.behind -= 1
            raise Refusal(404, ErrorCode.NOT_FOUND, "Not found")
        order = self._own_order(request, body["orderId"])
        if order.status == "cancelled":
            raise Refusal(400, ErrorCode.ORDER_CANCELLED, "Cannot pay for a cancelled order")
        match body["token"]:
            case "tok_visa" | "tok_slow":
                self._charge(order)
            case "tok_chargeDeclined":
                raise Refusal(402, ErrorCode.CARD_DECLINED, self.provider_says)
            case "tok_threeDSecure":
                self._coming[order.id] = (self.lag, "awaiting:payment")
            case "tok_timeout":
                self._charge(order)
                raise Refusal(503, ErrorCode.UNAVAILABLE, "Service unavailable")
            case _:
                raise Refusal(400, ErrorCode.TOKEN_INVALID, "No such token", "token")
        return httpx.Response(201, json={"id": order.id})

    def _charge(self, order: Order) -> None:
        if order.id not in self.charges:
            self.charges.append(order.id)
            self._coming[order.id] = (self.lag, "complete")
            order.payment = "authorized"

    def _confirm(self, request: httpx.Request) -> httpx.Response:
        order = self._own_order(request, json.loads(request.content)["orderId"])
        if order.status != "awaiting:payment":
            raise Refusal(400, ErrorCode.NOTHING_TO_CONFIRM, "There is nothing to confirm")
        if self.bank_refuses:
            raise Refusal(402, ErrorCode.CARD_DECLINED, "Your card was declined.")
        if self.client_secret is None:
            self._charge(order)
        return httpx.Response(200, json={"id": order.id, "clientSecret": self.client_secret})


def _user(request: httpx.Request) -> CurrentUser:
    cookies = dict(c.strip().partition("=")[::2] for c in request.headers.get("cookie", "").split(";"))
    user = SESSIONS.read(cookies.get(SESSIONS.cookie))
    if user is None:
        raise Refusal(401, ErrorCode.NOT_AUTHORIZED, "Not authorized")
    return user


def _price(text: str, name: str) -> Money:
    try:
        return Money.parse(text)
    except InvalidValue as error:
        raise Refusal(400, error.code, error.message, name) from None


def _details(request: httpx.Request) -> dict[str, Any]:
    body = json.loads(request.content)
    return {
        "event_date": body.get("eventDate") or None,
        "venue": body.get("venue") or None,
        "seat": body.get("seat") or None,
    }


def _ticket_body(request: httpx.Request) -> tuple[str, Money]:
    body = json.loads(request.content)
    errors = []
    if not body["title"].strip():
        errors.append(entry(ErrorCode.TITLE_REQUIRED, "Title is required", "title"))
    try:
        price = Money.parse(body["price"])
    except InvalidValue as error:
        errors.append(entry(error.code, error.message, "price"))
    if errors:
        refusal = Refusal(400, ErrorCode.BAD_REQUEST, "Bad request")
        refusal.response = httpx.Response(400, json={"errors": errors})
        raise refusal
    return body["title"].strip(), price
