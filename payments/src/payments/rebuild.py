"""Rebuild of the orders' replica from the stream: `python -m payments rebuild`.

If the replica lacked the end of an order, the service's own sweep settles the money. The sweep compares
every open payment with its order. What the replica says of fulfilment is copied to the payments, which the
sweep then refunds or pays out.
"""

from typing import get_args

from common.base import times
from common.messaging.stream import Stream
from common.persistence.mongo import Database
from common.persistence.rebuild import Rebuild, Report
from common.persistence.replay import Projection
from payments.dues import Dues
from payments.listeners import OrderEvent, order_fields
from payments.repository import OrderReplica

ORDERS = Projection(get_args(OrderEvent), order_fields)


async def rebuild(stream: Stream, database: Database) -> Report:
    report = await Rebuild(stream, OrderReplica(database).documents, ORDERS).run()
    await follow_all(database)
    return report


async def follow_all(database: Database) -> None:
    """Copies the fulfilment of each order to its payment, as the listener does; repeats do nothing."""
    dues, after = Dues(database), ""
    while page := await OrderReplica(database).with_fulfilment(after):
        for order in page:
            if order.fulfilment is not None:
                await dues.follow(order.id, order.version, order.fulfilment, order.seller_id, times.now())
        after = page[-1].id
