"""`python -m orders rebuild`: rebuilds the replica of the tickets from the stream."""

from common.contract.events import TicketCreated, TicketUpdated, TicketWithdrawn
from common.messaging.stream import Stream
from common.persistence.mongo import Database
from common.persistence.rebuild import Rebuild, Report
from common.persistence.replay import Projection
from orders.listeners import ticket_fields
from orders.repository import TicketReplica

TICKETS = Projection((TicketCreated, TicketUpdated, TicketWithdrawn), ticket_fields)


async def rebuild(stream: Stream, database: Database) -> Report:
    return await Rebuild(stream, TicketReplica(database).documents, TICKETS).run()
