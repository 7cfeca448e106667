"""Rebuild of the orders' replica from the stream."""

from datetime import timedelta

from common.base import times
from common.base.ids import new_id
from common.base.money import Money
from common.contract.events import (
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderedTicket,
    OrderUpdated,
    TicketRef,
)
from common.persistence.mongo import Database
from common.testing.events import publish
from common.testing.fake_stream import FakeStream
from payments.rebuild import rebuild
from payments.repository import OrderReplica


async def test_the_replica_equals_the_state_in_the_orders_events(
    stream: FakeStream, database: Database
) -> None:
    open_, complete, cancelled = (new_id() for _ in range(3))
    due = times.now() + timedelta(minutes=15)
    ticket = TicketRef(id="t")
    for order_id in (open_, complete, cancelled):
        priced = OrderedTicket(id="t", price=Money(1999))
        await publish(
            stream,
            OrderCreated(
                id=order_id, version=0, status="created", user_id="u", expires_at=due, ticket=priced
            ),
        )
    await publish(
        stream,
        OrderUpdated(id=open_, version=1, status="awaiting:payment", ticket=ticket),
        OrderCompleted(id=complete, version=1, ticket=ticket),
        OrderUpdated(id=complete, version=2, status="complete", ticket=ticket),
        OrderCancelled(id=cancelled, version=1, ticket=ticket),
    )
    await database["orders"].insert_one({"_id": complete, "version": 0, "status": "created"})

    report = await rebuild(stream, database)

    orders = OrderReplica(database)
    found = {order_id: await orders.get(order_id) for order_id in (open_, complete, cancelled)}
    assert {order_id: order.status for order_id, order in found.items()} == {
        **{open_: "awaiting:payment", complete: "complete", cancelled: "cancelled"}
    }
    assert {(o.user_id, o.price, o.expires_at) for o in found.values()} == {("u", Money(1999), due)}
    assert report.mended == {"missing": 2, "behind": 1}
