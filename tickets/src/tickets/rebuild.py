"""`python -m tickets rebuild`: rebuilds each order's progress, and its effect on its ticket, from the stream.

Noting a version says that its effect took place, so no version is noted before that is seen to be so. The
effects are not run again one by one: to hold and free a ticket once more for an order of last year would
tell the world of changes that never were, and might meet a buyer in between. What an order's whole history
comes to is compared with its ticket instead:

- its order stands open: the ticket is held by it;
- it was cancelled or it expired: the ticket is not held by it;
- it was completed: the ticket is sold to it.

What is missing of that is done by the same commands that the listeners use, each a guarded write with its
event; where nothing is missing nothing is written. A ticket that another order has is left alone, tried again
and then reported: two orders that both stand open can't share it, and orders decides who wins.
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, get_args

from common.base.errors import NotFound
from common.base.money import Money
from common.contract.events import OrderCancelled, OrderCompleted, OrderCreated, OrderRefunded
from common.messaging.events import VersionedEvent
from common.messaging.stream import Stream
from common.persistence.mongo import Database, Document
from common.persistence.rebuild import Rebuild, Report
from common.persistence.replay import CannotRepair, Projection
from tickets import commands
from tickets.domain import Ticket
from tickets.errors import HeldByAnother
from tickets.listeners import FollowedEvent
from tickets.publishers import publishers
from tickets.repository import ENDED, REFUNDED, Repositories, TicketRepository


class Claim(StrEnum):
    """The claim of an order on its ticket."""

    HELD = "held"
    SOLD = "sold"
    NONE = "none"


def claim_fields(event: VersionedEvent) -> Mapping[str, Any]:
    match event:
        case OrderCreated():
            price = event.ticket.price.cents
            return {
                "ticket_id": event.ticket.id,
                "price_cents": price,
                "buyer_id": event.user_id,
                "claim": Claim.HELD.value,
            }
        case OrderCompleted():
            return {"claim": Claim.SOLD.value}
        case OrderCancelled():
            return {"claim": Claim.NONE.value}
        case OrderRefunded():
            return REFUNDED
        case _:
            return {}


CLAIMS = Projection(
    (OrderCreated, OrderCancelled, OrderCompleted, OrderRefunded, *get_args(FollowedEvent)), claim_fields
)


def progress(order: Document) -> Document:
    """The progress document that the listeners would have stored."""
    ended = ENDED if order["claim"] == Claim.NONE else {}
    refunded = REFUNDED if order.get("refunded") else {}
    return {"_id": order["_id"], "version": order["version"], **ended, **refunded}


async def repair_effect(tickets: TicketRepository, order: Document) -> bool:
    """Applies the order's claim to its ticket; False if it was applied already. Raises CannotRepair."""
    order_id, ticket_id, claim = order["_id"], order["ticket_id"], Claim(order["claim"])
    try:
        if _agrees(await tickets.get(ticket_id), order_id, claim):
            return False
        if claim is Claim.NONE:
            await commands.release(tickets, ticket_id, order_id)
        else:
            price, buyer_id = Money(order["price_cents"]), order["buyer_id"]
            await commands.hold(tickets, ticket_id, order_id, price, buyer_id=buyer_id)
        if claim is Claim.SOLD:
            await commands.sell(tickets, ticket_id, order_id)
    except (HeldByAnother, NotFound) as reason:
        raise CannotRepair(f"ticket {ticket_id}, {claim} by order {order_id}: {reason!r}") from reason
    return True


def _agrees(ticket: Ticket, order_id: str, claim: Claim) -> bool:
    if claim is Claim.NONE:
        return ticket.order_id != order_id or ticket.sold
    return ticket.order_id == order_id and (ticket.sold or claim is Claim.HELD)


async def rebuild(stream: Stream, database: Database) -> Report:
    repositories = Repositories.over(database, publishers(stream))
    projection = replace(
        CLAIMS,
        kept=progress,
        repair_effect=lambda order: repair_effect(repositories.tickets, order),
    )
    try:
        return await Rebuild(stream, repositories.orders.documents, projection).run()
    finally:
        await repositories.tickets.relay.drained()
