"""`python -m orders rebuild`: the replica of the tickets, anew from the stream."""

from common.events import TicketCreated, TicketUpdated, TicketWithdrawn
from common.fold import Projection
from common.mongo import Database
from common.rebuild import Rebuild, Report
from common.stream import Stream
from orders.listeners import ticket_fields
from orders.repository import TicketReplica

TICKETS = Projection((TicketCreated, TicketUpdated, TicketWithdrawn), ticket_fields)


async def rebuild(stream: Stream, database: Database) -> Report:
    return await Rebuild(stream, TicketReplica(database).documents, TICKETS).run()
