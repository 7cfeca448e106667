"""Timers on a real Redis."""

from datetime import timedelta

import orjson
import pytest

from common.base.errors import Unavailable
from common.base.ids import new_id
from expiration import timers
from expiration.timers import Timers
from tests.builders import RedisServer, soon

pytestmark = pytest.mark.connected


async def test_a_timer_is_due_at_its_moment_to_the_millisecond(real_timers: Timers) -> None:
    order_id, due = new_id(), soon(900).replace(microsecond=123_000)

    await real_timers.set(order_id, due)

    assert await real_timers.pending() == {order_id: due}


async def test_a_timer_is_set_once_however_often(real_timers: Timers) -> None:
    order_id, due = new_id(), soon(900)

    for minutes in range(5):
        await real_timers.set(order_id, due + timedelta(minutes=minutes))

    assert await real_timers.pending() == {order_id: due}


async def test_each_order_has_a_timer_of_its_own(real_timers: Timers) -> None:
    due = {new_id(): soon(seconds) for seconds in range(100, 110)}

    for order_id, moment in due.items():
        await real_timers.set(order_id, moment)

    assert await real_timers.pending() == due


@pytest.mark.parametrize("ago", [timedelta(seconds=1), timedelta(days=365)], ids=str)
async def test_a_timer_that_is_long_past_due_is_due_at_once(real_timers: Timers, ago: timedelta) -> None:
    order_id, before = new_id(), soon()

    await real_timers.set(order_id, before - ago)

    assert before <= (await real_timers.pending())[order_id] <= soon()


async def test_a_job_is_json(real_timers: Timers, redis_url: str) -> None:
    order_id = new_id()
    await real_timers.set(order_id, soon(900))
    redis = timers.connect(redis_url)

    body = orjson.loads(await redis.get(f"arq:job:{order_id}"))
    await redis.aclose(close_connection_pool=True)

    assert (body["f"], body["a"], body["k"]) == (timers.EXPIRE, [order_id], {})


async def test_a_job_waits_for_a_worker_for_a_month(real_timers: Timers, redis_url: str) -> None:
    order_id = new_id()
    await real_timers.set(order_id, soon(900))
    redis = timers.connect(redis_url)

    kept = timedelta(milliseconds=await redis.pttl(f"arq:job:{order_id}"))
    await redis.aclose(close_connection_pool=True)

    assert timedelta(days=30) < kept <= timedelta(days=30, minutes=15)


async def test_a_redis_that_is_down_is_said_to_be_unavailable(redis_server: RedisServer) -> None:
    own = Timers(timers.connect(redis_server.url))

    assert not await own.is_up()
    with pytest.raises(Unavailable):
        await own.set(new_id(), soon())

    await redis_server.start()
    assert await own.is_up()
    await own.set(new_id(), soon())
    await own.close()


async def test_no_timer_is_lost_when_redis_is_killed(redis_server: RedisServer) -> None:
    await redis_server.start()
    own = Timers(timers.connect(redis_server.url))
    due = {new_id(): soon(900) for _ in range(200)}
    for order_id, moment in due.items():
        await own.set(order_id, moment)

    redis_server.kill()
    await redis_server.start()

    assert await own.pending() == due
    await own.close()
