"""`python -m payments rebuild`: the replica of the orders, anew from the stream.

The money of an order whose end was missing is settled by the service's own sweep, which looks at every open
payment beside its order.
"""

from common.contract.events import OrderCancelled, OrderCompleted, OrderCreated, OrderUpdated
from common.messaging.stream import Stream
from common.persistence.mongo import Database
from common.persistence.rebuild import Rebuild, Report
from common.persistence.replay import Projection
from payments.listeners import order_fields
from payments.repository import OrderReplica

ORDERS = Projection((OrderCreated, OrderUpdated, OrderCancelled, OrderCompleted), order_fields)


async def rebuild(stream: Stream, database: Database) -> Report:
    return await Rebuild(stream, OrderReplica(database).documents, ORDERS).run()
