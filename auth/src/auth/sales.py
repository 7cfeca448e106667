"""Replicas of tickets and orders, as far as a mail about a sale names them. Owned by tickets and orders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from common.contract.events import (
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderUpdated,
    TicketCreated,
    TicketUpdated,
    TicketWithdrawn,
)
from common.messaging.listener import NotYet
from common.persistence.mongo import ASCENDING, Database, Document, Index
from common.persistence.replica import Replica

TicketEvent = TicketCreated | TicketUpdated | TicketWithdrawn
OrderEvent = OrderCreated | OrderUpdated | OrderCancelled | OrderCompleted

CREATED = "created"
"""Status of an order that waits for its payment."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sale:
    """An order with its ticket. day: Of the event, "2026-12-24"; "" where the seller gave none.

    held_until: End of the hold; a further step of the card prolongs it.
    """

    order_id: str
    ticket_id: str
    buyer_id: str
    seller_id: str
    title: str
    day: str
    cents: int
    held_until: datetime


def ticket_fields(event: TicketEvent) -> Mapping[str, Any]:
    """Fields of the replica that a ticket's event sets."""
    match event:
        case TicketCreated():
            return {**_offer(event), "user_id": event.user_id}
        case TicketUpdated():
            return _offer(event)
        case TicketWithdrawn():
            return {}


def _offer(event: TicketCreated | TicketUpdated) -> Mapping[str, Any]:
    """Without a day for an event that is older than days: the replica's stays."""
    if "event_date" not in event.model_fields_set:
        return {"title": event.title}
    return {"title": event.title, "day": event.event_date.isoformat() if event.event_date else ""}


def order_fields(event: OrderEvent) -> Mapping[str, Any]:
    """Fields of the replica that an order's event sets."""
    match event:
        case OrderCreated():
            return {
                "status": event.status,
                "user_id": event.user_id,
                "ticket_id": event.ticket.id,
                "price_cents": event.ticket.price.cents,
                "expires_at": event.expires_at,
            }
        case OrderUpdated():
            return {"status": event.status}
        case OrderCancelled():
            return {"status": "cancelled"}
        case OrderCompleted():
            return {"status": "complete"}


class TicketReplica(Replica):
    """`{_id: ticket id, version, title, day?, user_id}`."""

    def __init__(self, database: Database) -> None:
        super().__init__(database["tickets"])


class OrderReplica(Replica):
    """`{_id: order id, version, status, user_id, ticket_id, price_cents, expires_at}`."""

    indexes = (Index([("expires_at", ASCENDING)], name="unpaid_holds", where={"status": CREATED}),)

    def __init__(self, database: Database) -> None:
        super().__init__(database["orders"])

    async def prepare(self) -> None:
        await self.documents.create_indexes(self.indexes)

    async def unpaid(self, after: datetime, until: datetime) -> Sequence[str]:
        """Ids of the unpaid orders whose hold ends after `after` and not after `until`."""
        query = {"status": CREATED, "expires_at": {"$gt": after, "$lte": until}}
        found = await self.documents.find(query, {"_id": 1}, sort=[("expires_at", ASCENDING)])
        return [document["_id"] for document in found]


class Sales:
    """Both replicas."""

    def __init__(self, database: Database) -> None:
        self.tickets = TicketReplica(database)
        self.orders = OrderReplica(database)

    async def of_order(self, order_id: str) -> Sale:
        """Raises NotYet while the events of the order or of its ticket have not arrived."""
        order = await self.orders.find(order_id)
        if order is None:
            raise NotYet(f"order {order_id} is unknown")
        ticket = await self.tickets.find(order["ticket_id"])
        if ticket is None:
            raise NotYet(f"ticket {order['ticket_id']} is unknown")
        return _sale(order, ticket)


def _sale(order: Document, ticket: Document) -> Sale:
    return Sale(
        order_id=order["_id"],
        ticket_id=ticket["_id"],
        buyer_id=order["user_id"],
        seller_id=ticket["user_id"],
        title=ticket["title"],
        day=ticket.get("day", ""),
        cents=order["price_cents"],
        held_until=order["expires_at"],
    )
