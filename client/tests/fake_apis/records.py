"""Tickets, orders and payments, and the failures and delays that a test sets."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from common.base import times
from common.base.identity import CurrentUser
from common.base.ids import new_id
from common.base.money import Money
from common.contract.error_codes import ErrorCode

HOLD = timedelta(minutes=15)
DELIVERY, ACCEPTANCE = timedelta(hours=48), timedelta(days=7)
DETAILS = ("eventDate", "venue", "seat", "city", "startTime", "faceValue", "notes")
ORDERED = ("id", "title", "price", *DETAILS)
"""Fields of the ticket in an order."""


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
    city: str | None = None
    start_time: str | None = None
    face_value: Money | None = None
    notes: str | None = None
    file: Mapping[str, Any] | None = None
    file_content: bytes = b""
    version: int = 0
    id: str = field(default_factory=new_id)

    def change(self, **fields: Any) -> None:
        """Sets fields, as the next version."""
        for name, value in fields.items():
            setattr(self, name, value)
        self.version += 1

    def json(self, viewer_id: str | None = None, buyer_id: str | None = None) -> Mapping[str, Any]:
        """As the viewer sees it: only its seller and its order's buyer see which order has it."""
        is_party = viewer_id is not None and viewer_id in (self.user_id, buyer_id)
        return {
            "id": self.id,
            "title": self.title,
            "price": self.price.to_number(),
            "eventDate": self.event_date,
            "venue": self.venue,
            "seat": self.seat,
            "city": self.city,
            "startTime": self.start_time,
            "faceValue": None if self.face_value is None else self.face_value.to_number(),
            "notes": self.notes,
            "userId": self.user_id,
            "version": self.version,
            "orderId": self.order_id if is_party else None,
            "status": self.status,
            "delivery": "transfer" if self.file is None else "file",
            "file": self.file if self._may_see_the_file(viewer_id, buyer_id) else None,
        }

    def _may_see_the_file(self, viewer_id: str | None, buyer_id: str | None) -> bool:
        is_buyer = self.status == "sold" and viewer_id == buyer_id
        return viewer_id is not None and (viewer_id == self.user_id or is_buyer)


@dataclass
class Order:
    ticket: Ticket
    user_id: str
    status: str = "created"
    payment: str | None = None
    ended_because: str | None = None
    completed_at: datetime | None = None
    expires_at: datetime = field(default_factory=lambda: times.now() + HOLD)
    fulfilment: str | None = None
    deliver_by: datetime | None = None
    accept_by: datetime | None = None
    claim: dict[str, Any] | None = None
    card_dispute: str | None = None
    payout: Money | None = None
    id: str = field(default_factory=new_id)
    version: int = 0
    ordered: Mapping[str, Any] = field(init=False)
    """The ticket as it was when it was ordered."""

    def __post_init__(self) -> None:
        self.ordered = {name: value for name, value in self.ticket.json().items() if name in ORDERED}

    @property
    def held_until(self) -> datetime | None:
        return {"created": self.expires_at, "awaiting:payment": self.expires_at + HOLD}.get(self.status)

    def change(self, status: str) -> None:
        self.status = status
        self.completed_at = times.now() if status == "complete" else None
        if status == "complete":
            self.fulfilment, self.deliver_by = "due", times.now() + DELIVERY
        self.version += 1

    def json(self) -> Mapping[str, Any]:
        return {
            "id": self.id,
            "userId": self.user_id,
            "status": self.status,
            "expiresAt": times.iso(self.expires_at),
            "version": self.version,
            "ticket": self.ordered,
            "payment": self.payment,
            "heldUntil": None if self.held_until is None else times.iso(self.held_until),
            "endedBecause": self.ended_because,
            "completedAt": _moment(self.completed_at),
            **self._fulfilment(),
        }

    def sale(self) -> Mapping[str, Any]:
        """As its seller sees it."""
        return {
            "id": self.id,
            "version": self.version,
            "ticket": self.ordered,
            "payment": self.payment,
            "completedAt": _moment(self.completed_at),
            "payout": None if self.payout is None else self.payout.to_number(),
            **self._fulfilment(),
        }

    def _fulfilment(self) -> Mapping[str, Any]:
        return {
            "fulfilment": self.fulfilment,
            "deliverBy": _moment(self.deliver_by),
            "acceptBy": _moment(self.accept_by),
            "claim": self.claim,
            "cardDispute": self.card_dispute,
        }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else times.iso(moment)


@dataclass
class Payment:
    """Payment of an order.

    secret: For the bank's further step, while one is due. refused_by: Message of the bank's refusal of that
    step, if it is going to refuse. failed: Whether it refused, so that another card may pay.
    """

    status: str
    secret: str | None = None
    refused_by: str | None = None
    failed: bool = False
    id: str = field(default_factory=new_id)

    def json(self) -> Mapping[str, Any]:
        return {"id": self.id, "status": self.status, "clientSecret": self.secret}


@dataclass
class Records:
    """Records of the four APIs, with failures and delays.

    failure: Raised, or returned, for every request.
    auth_failure: The same for the question who is signed in.
    lag: Number of requests for an order before its payment shows; also for which the orders API has not
        received a new ticket yet.
    behind: Number of requests for which the payments API has not received a new order yet.
    cuts: Number of the next requests that lose their connection.
    old_price: Price that the orders API still has for the next request.
    orders_hidden: Number of requests for which a ticket is still shown without its order.
    answer_lost: The provider charges the card, and its answer is lost.
    without_receipts: The orders API is of a release that issues no code of a receipt.
    payments_failure: Raised for every question about a seller's money.
    form_host: Of the provider's form, such as "https://provider.test"; "" for the edge.
    refuses_later_pages: No page of an export after the first one.
    client_secret: If set, the bank still waits for its customer.
    """

    users: dict[str, tuple[CurrentUser, str]] = field(default_factory=dict)
    """User and password, by the e-mail in lower case."""
    emails: dict[str, str] = field(default_factory=dict)
    """By the user's id, as typed."""
    confirmed: set[str] = field(default_factory=set)
    """Ids of users with a confirmed address."""
    languages: dict[str, str] = field(default_factory=dict)
    """Of the mails, by the user's id; English for others."""
    quiet: set[str] = field(default_factory=set)
    """Ids of users who turned notices off."""
    bounced: set[str] = field(default_factory=set)
    """Ids of users to whom no mail can be sent."""
    must_confirm: bool = False
    """The rule that a user confirms the address before selling or buying."""
    links: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    """Kind, user's id and address of each mailed link that is good, by its token."""
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Sessions that go on, by their ids, as the API shows them; beside that the `userId`."""
    without_sessions: bool = False
    """The users API is of a release whose sessions are no records."""
    passkeys: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By the id of the device's credential: as the API shows them, with `user_id`."""
    challenges: dict[str, str] = field(default_factory=dict)
    """What each challenge that was not answered is for."""
    without_passkeys: bool = False
    """The users API is of a release that has none."""
    tickets: dict[str, Ticket] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    keys: dict[tuple[str, str, str], tuple[Mapping[str, Any], Mapping[str, Any]]] = field(
        default_factory=dict
    )
    """Body and answer of each create with a key, by path, user's id and key."""
    payments: dict[str, Payment] = field(default_factory=dict)
    """By the order's id."""
    charges: list[str] = field(default_factory=list)
    accounts: dict[str, bool] = field(default_factory=dict)
    """Whether each seller with an account at the provider can be paid, by the user's id."""
    payments_failure: Exception | None = None
    form_host: str = ""
    failure: Exception | httpx.Response | None = None
    auth_failure: Exception | httpx.Response | None = None
    lag: int = 0
    behind: int = 0
    cuts: int = 0
    old_price: Money | None = None
    orders_hidden: int = 0
    reserved_code: str = ErrorCode.TICKET_RESERVED
    bank_refuses: bool = False
    without_receipts: bool = False
    refuses_later_pages: bool = False
    provider_says: str = "Your card was declined."
    answer_lost: bool = False
    client_secret: str | None = None
    declines: Counter[str] = field(default_factory=Counter)
    """Declined cards, by the order's id."""
    coming: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Status that an order is about to reach, and the number of requests before that, by the order's id."""

    def may_trade(self, user_id: str) -> bool:
        return user_id in self.confirmed or not self.must_confirm

    def mail_link(self, kind: str, user_id: str, address: str) -> str:
        """Token of a new link, which replaces the one before."""
        for token, (other, owner, _) in list(self.links.items()):
            if (other, owner) == (kind, user_id):
                del self.links[token]
        token = f"{kind}-{new_id()}"
        self.links[token] = (kind, user_id, address)
        return token

    def sell(self, title: str = "Concert", price: str = "20", seller: str | None = None) -> Ticket:
        """Adds a ticket, as its seller's listing."""
        ticket = Ticket(title, Money.parse(price), seller or new_id())
        self.tickets[ticket.id] = ticket
        return ticket

    def order(self, buyer: CurrentUser, ticket: Ticket | None = None, **state: Any) -> Order:
        """Adds an order, which holds its ticket."""
        ticket = ticket or self.sell()
        order = Order(ticket, buyer.id, **state)
        self.orders[order.id] = order
        ticket.order_id, ticket.status = order.id, "held"
        if order.status == "awaiting:payment":
            self.payments[order.id] = Payment("awaiting", "pi_fake_secret_fake")
        return order

    def settle(self) -> None:
        """Brings the orders that are due to the status that follows from their payment."""
        for order_id, (requests, status) in list(self.coming.items()):
            if requests == 0:
                del self.coming[order_id]
                self._reach(self.orders[order_id], status)
        for order in self.orders.values():
            if order.fulfilment == "accepted" and self.accounts.get(order.ticket.user_id):
                order.payout = order.ticket.price

    def _reach(self, order: Order, status: str) -> None:
        order.change(status)
        if status == "complete":
            self.payments[order.id].status = order.payment = "captured"
            order.ticket.change(status="sold")
