"""`python -m orders restored`: brings the orders of a restored database forward to their events.

An order's own events lack two fields:

- the ticket's title and details: an order of the backup has them, a later one takes them from the replica. A
  ticket that is held or sold can't change; only a cancelled order may show a later title;
- whether the payment was taken: the events of payments say so.

A payment may have reached an order whose event of it was lost with the database: its effect is made good at
the end, as a change with its own event.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from common.base.money import Money
from common.contract.deleted_users import deleted_users
from common.contract.events import (
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderUpdated,
    PaymentAwaiting,
    PaymentCaptured,
    PaymentCreated,
    PaymentVoided,
)
from common.messaging.stream import Stream
from common.persistence.mongo import ASCENDING, Database, Document, Index
from common.persistence.replay import Projection, Replay, by_id, replayed
from common.persistence.roll_forward import RollForward, marked, pages, summary
from orders import commands
from orders.domain import Order, PaymentState, Status, Ticket
from orders.publishers import publishers
from orders.rebuild import rebuild
from orders.repository import OrderRepository, Repositories, TicketReplica

OrderEvent = OrderCreated | OrderUpdated | OrderCancelled | OrderCompleted
PaymentEvent = PaymentAwaiting | PaymentCreated | PaymentCaptured | PaymentVoided

LIVE = (Status.CREATED, Status.AWAITING_PAYMENT)
ENDED = (PaymentState.CAPTURED, PaymentState.VOIDED)
AWAITING = "awaiting"


def order_fields(event: OrderEvent) -> Mapping[str, Any]:
    match event:
        case OrderCreated():
            return {
                "status": event.status,
                "user_id": event.user_id,
                "expires_at": event.expires_at,
                "ticket_id": event.ticket.id,
                "price_cents": event.ticket.price.cents,
            }
        case OrderUpdated():
            # Once an order has ended, its payment's end alone updates it.
            return {"status": event.status, "settled": Status(event.status) not in LIVE}
        case OrderCancelled():
            ended = {"ended_because": event.ended_because, "ended_at": event.ended_at}
            return {"status": Status.CANCELLED.value, **ended}
        case OrderCompleted():
            return {"status": Status.COMPLETE.value, "completed_at": event.completed_at}


def payment_fields(event: PaymentEvent) -> Mapping[str, Any]:
    match event:
        case PaymentAwaiting():
            state = AWAITING
        case PaymentCreated():
            state = PaymentState.AUTHORIZED.value
        case PaymentCaptured():
            state = PaymentState.CAPTURED.value
        case PaymentVoided():
            state = PaymentState.VOIDED.value
    return {"order_id": event.order_id, "state": state}


ORDERS = Projection((OrderCreated, OrderUpdated, OrderCancelled, OrderCompleted), order_fields)
PAYMENTS = Projection((PaymentAwaiting, PaymentCreated, PaymentCaptured, PaymentVoided), payment_fields)


async def restored(stream: Stream, database: Database) -> str:
    """Returns the summary. Raises `roll_forward.Unfinished` with it where an order is not restored."""
    repositories = Repositories.over(database, publishers(stream))
    orders = repositories.orders
    async with marked(database):
        replicas = await rebuild(stream, database)
        async with replayed(stream, orders.documents, PAYMENTS) as payments:
            by_order = Index([("fields.order_id", ASCENDING)], name="of_order")
            await payments.documents.create_indexes([by_order])

            async def restore(records: Sequence[Document], stored: Mapping[str, Document]) -> Sequence[Order]:
                tickets = await _tickets(repositories.tickets, orders, records, stored)
                return await _restore(payments, records, tickets)

            own = await RollForward(stream, orders, ORDERS, restore).run()
            async for user in deleted_users(stream):
                # The service's job cancels their open orders.
                await repositories.deleted_users.add(user.id)
            try:
                lacked = [await _apply(orders, page) async for page in pages(payments.documents)]
            finally:
                await orders.relay.drained()
        return summary(own, replicas, f"payments   {sum(lacked)} orders lacked the state of their payment")


async def _tickets(
    replica: TicketReplica,
    orders: OrderRepository,
    records: Sequence[Document],
    stored: Mapping[str, Document],
) -> Mapping[str, Ticket]:
    """The ticket of each order, by the order's id: as the order has it, else as the replica has it."""
    tickets = {order_id: orders.from_document(document).ticket for order_id, document in stored.items()}
    fresh = [record for record in records if record["_id"] not in tickets]
    listings = await asyncio.gather(*(replica.listing(record["ticket_id"]) for record in fresh))
    for record, listing in zip(fresh, listings, strict=True):
        if listing is not None:
            tickets[record["_id"]] = listing.ticket
    return tickets


async def _restore(
    payments: Replay, records: Sequence[Document], tickets: Mapping[str, Ticket]
) -> Sequence[Order]:
    ids = [record["_id"] for record in records]
    found = await payments.documents.find({"fields.order_id": {"$in": ids}})
    states = {payment["fields"]["order_id"]: payment["fields"]["state"] for payment in found}
    return [
        _order(record, tickets[record["_id"]], states.get(record["_id"]))
        for record in records
        if record["_id"] in tickets
    ]


def _order(record: Document, ticket: Ticket, payment: str | None) -> Order:
    status = Status(record["status"])
    return Order(
        id=record["_id"],
        version=record["version"],
        user_id=record["user_id"],
        ticket=Ticket(ticket.id, ticket.title, Money(record["price_cents"]), ticket.details),
        expires_at=record["expires_at"],
        status=status,
        payment=_payment(status, record.get("settled", False), payment),
        ended_because=record.get("ended_because"),
        ended_at=record.get("ended_at"),
        completed_at=record.get("completed_at"),
    )


def _payment(status: Status, settled: bool, state: str | None) -> PaymentState | None:
    if settled:
        return PaymentState.VOIDED if state == PaymentState.VOIDED else PaymentState.CAPTURED
    return PaymentState.AUTHORIZED if status is Status.COMPLETE else None


async def _apply(orders: OrderRepository, payments: Sequence[Document]) -> int:
    """Applies the payments' states to their orders; returns how many orders lacked one."""
    states = {payment["fields"]["order_id"]: payment["fields"]["state"] for payment in payments}
    found = await by_id(orders.documents, list(states))
    lacking = [
        order for order in map(orders.from_document, found.values()) if _lacks(order, states[order.id])
    ]
    for order in lacking:
        await _follow(orders, order, states[order.id])
    return len(lacking)


def _lacks(order: Order, state: str) -> bool:
    if state == AWAITING:
        return order.status is Status.CREATED
    return order.status in LIVE or (state in ENDED and order.payment not in ENDED)


async def _follow(orders: OrderRepository, order: Order, state: str) -> None:
    if state == AWAITING:
        await commands.await_payment(orders, order.id)
        return
    await commands.complete(orders, order.id)
    if state in ENDED:
        await commands.settle(orders, order.id, PaymentState(state))
