"""No ticket stays held for ever, whatever became of its timer."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

import pytest

from common.base import jobs, times
from common.base.errors import Outage
from common.messaging.stream import Stream
from common.persistence.mongo import Database
from common.testing.events import deliver, emitted
from common.testing.fake_stream import FakeStream
from orders import commands
from orders import sweep as jobs_of_orders
from orders.domain import Order
from orders.publishers import publishers
from orders.repository import OrderRepository
from orders.sweep import GRACE, sweep
from tests.builders import HOLD, Payment, Shop

MOMENT = timedelta(seconds=0.2)


@pytest.fixture
def orders(database: Database, stream: Stream) -> OrderRepository:
    return OrderRepository(database, publishers(stream))


async def test_an_overdue_order_ends_without_any_timer(shop: Shop, stream: FakeStream) -> None:
    order = await shop.an_order()
    await shop.let_time_pass(order, GRACE)

    # By the service's own job.
    (cancelled,) = await emitted(stream, "order.cancelled", 1)

    assert cancelled["id"] == order["id"]
    assert await shop.status(order) == ("cancelled", 1)


async def test_the_timer_s_grace_is_left_to_it(shop: Shop, orders: OrderRepository) -> None:
    order = await shop.an_order()
    await shop.let_time_pass(order, GRACE - MOMENT)

    assert await sweep(orders, HOLD) == 0
    assert await shop.status(order) == ("created", 0)


async def test_an_order_in_time_is_left_alone(shop: Shop, orders: OrderRepository) -> None:
    await shop.an_order()

    assert await sweep(orders, HOLD) == 0


async def test_ended_orders_are_left_alone(shop: Shop, orders: OrderRepository, stream: FakeStream) -> None:
    cancelled, complete = await shop.an_order(), await shop.an_order()
    await shop.delete(cancelled)
    await deliver(stream, Payment(complete["id"]).created())
    for order in (cancelled, complete):
        await shop.let_time_pass(order, 10 * HOLD)

    assert await sweep(orders, HOLD) == 0


async def test_an_order_that_awaits_its_card_ends_after_one_more_hold(
    shop: Shop, orders: OrderRepository, stream: FakeStream
) -> None:
    order = await shop.an_order()
    await deliver(stream, Payment(order["id"]).awaiting())

    await shop.let_time_pass(order, HOLD + GRACE - MOMENT)
    assert await sweep(orders, HOLD) == 0

    await shop.let_time_pass(order, HOLD + GRACE)
    assert await sweep(orders, HOLD) == 1
    assert await shop.status(order) == ("cancelled", 2)


async def test_one_sweep_ends_many(shop: Shop, orders: OrderRepository, database: Database) -> None:
    for _ in range(20):
        await shop.an_order()
    await database["orders"].update_many({}, {"$set": {"expires_at": times.now() - 2 * GRACE}})

    assert await sweep(orders, HOLD) == 20
    assert await sweep(orders, HOLD) == 0


class Stubborn(OrderRepository):
    """Reading one order fails."""

    order_id = ""
    error: Exception

    async def get(self, aggregate_id: str) -> Order:
        if aggregate_id == self.order_id:
            raise self.error
        return await super().get(aggregate_id)


@pytest.mark.parametrize("error", [Outage("gone"), RuntimeError("a bug")])
async def test_one_that_fails_stops_no_other(
    error: Exception, shop: Shop, database: Database, stream: FakeStream
) -> None:
    orders = Stubborn(database, publishers(stream))
    placed = [await shop.an_order() for _ in range(3)]
    orders.order_id, orders.error = placed[0]["id"], error
    await database["orders"].update_many({}, {"$set": {"expires_at": times.now() - 2 * GRACE}})

    assert await sweep(orders, HOLD) == 2

    assert [(await shop.status(order))[0] for order in placed[1:]] == ["cancelled", "cancelled"]


class Broken(OrderRepository):
    """The first read of the overdue orders fails; every read is counted."""

    reads = 0

    async def overdue(self, now: datetime, hold: timedelta) -> Sequence[str]:
        self.reads += 1
        if self.reads == 1:
            raise RuntimeError("a bug")
        return await super().overdue(now, hold)


@pytest.fixture
async def job(database: Database, stream: Stream, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Broken]:
    """The running job, whose first sweep fails."""
    monkeypatch.setattr(jobs_of_orders, "SWEEP_SECONDS", 0.001)
    orders = Broken(database, publishers(stream))
    task = asyncio.create_task(jobs_of_orders.run(orders, HOLD))
    yield orders
    assert not task.done()
    task.cancel()


async def test_the_job_goes_on_after_an_unexpected_error(job: Broken) -> None:
    async with asyncio.timeout(5):
        while job.reads < 3:
            await asyncio.sleep(0.001)


async def test_only_a_sweep_without_an_error_counts_as_a_success(
    job: Broken, monkeypatch: pytest.MonkeyPatch
) -> None:
    successes: list[int] = []
    monkeypatch.setattr(jobs, "succeeded", lambda _job: successes.append(job.reads))
    async with asyncio.timeout(5):
        while len(successes) < 2:
            await asyncio.sleep(0.001)

    assert successes[:2] == [2, 3]


async def test_those_that_are_due_together_end_side_by_side(
    shop: Shop, database: Database, stream: FakeStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = OrderRepository(database, publishers(stream))
    for _ in range(20):
        await shop.an_order()
    await database["orders"].update_many({}, {"$set": {"expires_at": times.now() - 2 * GRACE}})
    running = most = 0

    async def expire(_orders: OrderRepository, _order_id: str, _hold: timedelta) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1

    monkeypatch.setattr(commands, "expire", expire)
    assert await sweep(orders, HOLD) == 20
    assert most >= 20
