"""After Redis was wiped every order that stands open has its timer again, at its moment."""

from datetime import datetime

import pytest

from common.base.errors import Unavailable
from common.contract.events import OrderCancelled, OrderCompleted, OrderRefunded, TicketRef
from common.messaging.stream import Stream
from common.testing.events import publish
from common.testing.fake_stream import FakeStream
from expiration import timers
from expiration.rebuild import rebuild
from expiration.timers import Timers
from tests.builders import FakeTimers, RedisServer, order_completed, order_created, order_delivered, soon


class InspectableTimers(FakeTimers):
    async def pending(self) -> dict[str, datetime]:
        return dict(self.due)


async def test_open_orders_have_their_timers_again_and_ended_ones_none(stream: FakeStream) -> None:
    open_, cancelled, complete, past = (order_created() for _ in range(4))
    past = order_created(expires_at=soon(-60))
    await publish(stream, open_, cancelled, complete, past)
    ticket = TicketRef(id="t")
    await publish(stream, OrderCancelled(id=cancelled.id, version=1, ticket=ticket))
    await publish(stream, OrderCompleted(id=complete.id, version=1, ticket=ticket))
    await stream.publish("order.created.broken", b"{", {})
    own = InspectableTimers()

    report = await rebuild(stream, own)

    assert own.due == {open_.id: open_.expires_at, past.id: past.expires_at}
    assert (report.events, report.open, report.missing) == (7, 2, 2)
    assert (await rebuild(stream, own)).missing == 0


async def test_an_undecided_sale_has_the_timer_of_its_deadline_again(stream: FakeStream) -> None:
    due, delivered, handed_over, decided, of_old = (
        order_completed(soon(60)),
        order_completed(None, soon(70)),
        order_completed(soon(60)),
        order_completed(soon(60)),
        order_completed(None),
    )
    await publish(stream, due, delivered, handed_over, decided, of_old)
    await publish(stream, order_delivered(handed_over.id, soon(80)))
    await publish(stream, OrderRefunded(id=decided.id, version=2, ticket=decided.ticket, seller_id="s"))
    own = InspectableTimers()

    assert (await rebuild(stream, own)).missing == 3

    assert [(d.job_id, d.version) for d in own.deadlines.values()] == [
        (f"{due.id}:delivery", 1),
        (f"{delivered.id}:acceptance", 1),
        (f"{handed_over.id}:acceptance", 2),
    ]
    assert (await rebuild(stream, own)).missing == 0


async def test_a_redis_that_is_down_is_unavailable(stream: FakeStream) -> None:
    await publish(stream, order_created())
    own = InspectableTimers()
    own.up = False

    with pytest.raises(Unavailable):
        await rebuild(stream, own)


@pytest.mark.connected
async def test_timers_that_redis_lost_are_set_again_from_the_real_stream(
    real_stream: Stream, redis_server: RedisServer
) -> None:
    orders = [order_created() for _ in range(300)]
    await publish(real_stream, *orders)
    ended = orders[::3]
    for order in ended:
        await publish(real_stream, OrderCancelled(id=order.id, version=1, ticket=TicketRef(id="t")))
    await redis_server.start()
    own = Timers(timers.connect(redis_server.url))
    kept = orders[1]
    await own.set(kept.id, kept.expires_at)

    report = await rebuild(real_stream, own)

    assert await own.pending() == {order.id: order.expires_at for order in orders if order not in ended}
    assert (report.open, report.missing) == (200, 199)
    await own.close()
