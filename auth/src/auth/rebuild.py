"""Rebuild of the replica of orders from the stream: `python -m auth rebuild`. Mails nothing."""

from auth.sales import OrderReplica, order_fields
from common.contract.events import OrderCancelled, OrderCompleted, OrderCreated, OrderUpdated
from common.messaging.stream import Stream
from common.persistence.mongo import Database
from common.persistence.rebuild import Rebuild, Report
from common.persistence.replay import Projection

ORDERS = Projection((OrderCreated, OrderUpdated, OrderCancelled, OrderCompleted), order_fields)


async def rebuild(stream: Stream, database: Database) -> Report:
    return await Rebuild(stream, OrderReplica(database).documents, ORDERS).run()
