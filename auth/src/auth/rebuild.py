"""Rebuild of the replicas of tickets and orders from the stream: `python -m auth rebuild`. Mails nothing."""

from auth.sales import OrderReplica, TicketReplica, order_fields, ticket_fields
from common.contract.events import (
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderUpdated,
    TicketCreated,
    TicketUpdated,
    TicketWithdrawn,
)
from common.messaging.stream import Stream
from common.persistence.mongo import Database
from common.persistence.rebuild import Rebuild, Report
from common.persistence.replay import Projection

TICKETS = Projection((TicketCreated, TicketUpdated, TicketWithdrawn), ticket_fields)
ORDERS = Projection((OrderCreated, OrderUpdated, OrderCancelled, OrderCompleted), order_fields)


async def rebuild(stream: Stream, database: Database) -> tuple[Report, Report]:
    """The reports of the tickets and of the orders."""
    tickets = await Rebuild(stream, TicketReplica(database).documents, TICKETS).run()
    return tickets, await Rebuild(stream, OrderReplica(database).documents, ORDERS).run()


async def reported(stream: Stream, database: Database) -> str:
    tickets, orders = await rebuild(stream, database)
    return f"tickets\n{tickets}\n\norders\n{orders}"
