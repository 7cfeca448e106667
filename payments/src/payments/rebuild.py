"""Rebuild of the orders' replica from the stream: `python -m payments rebuild`.

If the replica lacked the end of an order, the service's own sweep settles the money. The sweep compares
every open payment with its order.
"""

from typing import get_args

from common.messaging.stream import Stream
from common.persistence.mongo import Database
from common.persistence.rebuild import Rebuild, Report
from common.persistence.replay import Projection
from payments.listeners import OrderEvent, order_fields
from payments.repository import OrderReplica

ORDERS = Projection(get_args(OrderEvent), order_fields)


async def rebuild(stream: Stream, database: Database) -> Report:
    return await Rebuild(stream, OrderReplica(database).documents, ORDERS).run()
