"""What a mail about a sale names: the order, by a replica, and its ticket, by its latest event."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from common.contract.events import (
    OrderAccepted,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderDelivered,
    OrderDisputed,
    OrderRefunded,
    OrderUpdated,
    Subject,
    TicketState,
)
from common.messaging.events import read
from common.messaging.listener import NotYet
from common.messaging.stream import Stream
from common.persistence.mongo import ASCENDING, Database, Document, Index
from common.persistence.replica import Replica

FulfilmentEvent = OrderDelivered | OrderAccepted | OrderDisputed | OrderRefunded
OrderEvent = OrderCreated | OrderUpdated | OrderCancelled | OrderCompleted | FulfilmentEvent

WITH_WORDS = (Subject.TICKET_CREATED, Subject.TICKET_UPDATED)
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
        case _:
            # A fulfilment changes nothing here but the order's version.
            return {}


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
    """Orders, and the tickets that they name.

    A ticket is looked up when a mail is written: of all listings few are sold, so a replica of them would be
    more work, and more that is stored about their sellers.
    """

    def __init__(self, database: Database, stream: Stream) -> None:
        self.orders = OrderReplica(database)
        self._stream = stream

    async def of_order(self, order_id: str) -> Sale:
        """Raises NotYet while one of both is unknown, `errors.Unavailable` if the broker can't be asked."""
        order = await self.orders.find(order_id)
        if order is None:
            raise NotYet(f"order {order_id} is unknown")
        return _sale(order, await self._ticket(order["ticket_id"]))

    async def _ticket(self, ticket_id: str) -> TicketState:
        """The ticket by its latest event with its words."""
        subjects = [f"{subject}.{ticket_id}" for subject in WITH_WORDS]
        latest = await self._stream.last(subjects)
        if latest is None:
            raise NotYet(f"ticket {ticket_id} is unknown")
        return read(TicketState, latest.data, latest.headers)


def _sale(order: Document, ticket: TicketState) -> Sale:
    return Sale(
        order_id=order["_id"],
        ticket_id=ticket.id,
        buyer_id=order["user_id"],
        seller_id=ticket.user_id,
        title=ticket.title,
        day="" if ticket.event_date is None else ticket.event_date.isoformat(),
        cents=order["price_cents"],
        held_until=order["expires_at"],
    )
