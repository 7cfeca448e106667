"""Rebuild of the replica of orders from the stream: `python -m auth rebuild`. Mails nothing."""

from typing import get_args

from auth.sales import OrderEvent, OrderReplica, order_fields
from common.messaging.stream import Stream
from common.persistence.mongo import Database
from common.persistence.rebuild import Rebuild, Report
from common.persistence.replay import Projection

ORDERS = Projection(get_args(OrderEvent), order_fields)


async def rebuild(stream: Stream, database: Database) -> Report:
    return await Rebuild(stream, OrderReplica(database).documents, ORDERS).run()
