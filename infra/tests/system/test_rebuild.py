"""`python -m <service> rebuild`, as an operator runs it: lost records are restored while all services run."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from tests.system.own import configuration, environment_of, running, users_of

from common.http.session_keys import PrivateKey
from common.persistence.mongo import connect
from common.testing.process import run_module
from infra.actors.person import Person
from infra.verify.reconcile.view import TIMERS_KEY
from infra.verify.target import Target

pytestmark = pytest.mark.connected

REPLICAS = {"tickets": "orders", "orders": "tickets", "payments": "orders"}
"""Owner of the records in each service's replica, by service."""


def environment(target: Target, service: str) -> Mapping[str, str]:
    servers = {"NATS_URL": target.url("nats")}
    if (identity := target.identity(service)) is not None:
        servers["NATS_SEED"] = identity.seed
    session = {
        "JWT_PUBLIC_KEYS": PrivateKey.generate().public.text,
        "RECEIPT_KEYS": "r" * 32,
        "PAYMENT_GATEWAY": "fake",
        "FILES_URL": "memory:///",
        "FILES_KEY": "f" * 32,
        "BARCODE_KEY": "b" * 32,
    }
    return servers | session | {"MONGO_URI": target.url(f"mongo_{service}")}


async def rebuild(target: Target, service: str) -> None:
    done = await asyncio.to_thread(run_module, service, "rebuild", environment=environment(target, service))
    assert done.returncode == 0, done.stderr


class Replica:
    def __init__(self, target: Target, service: str) -> None:
        self._database = connect(target.url(f"mongo_{service}"), service)
        self.documents = self._database[REPLICAS[service]]

    async def aclose(self) -> None:
        await self._database.close()

    async def read(self) -> dict[str, dict[str, Any]]:
        return {document["_id"]: document for document in await self.documents.find({})}

    async def at_rest(self) -> dict[str, dict[str, Any]]:
        """Documents of the replica, once they have not changed for a second: no event is still to come."""
        before, now = None, await self.read()
        async with asyncio.timeout(30):
            while now != before:
                await asyncio.sleep(1)
                before, now = now, await self.read()
        return now


@pytest.fixture
async def redis(target: Target) -> AsyncIterator["Redis"]:
    client = Redis.from_url(target.url("redis"))
    yield client
    await client.aclose()


@pytest.fixture(autouse=True)
async def no_hold_of_another_test_ends_meanwhile(redis: "Redis") -> None:
    async with asyncio.timeout(30):
        while await holds(redis):
            await asyncio.sleep(0.1)


async def holds(redis: "Redis") -> set[str]:
    """Orders with a timer of their hold. A deadline's timer has its kind in its name, and is days away."""
    timers = {name.decode() for name in await redis.zrange(TIMERS_KEY, 0, -1)}
    return {name for name in timers if ":" not in name}


async def trade(seller: Person, buyer: Person) -> None:
    """Create tickets and orders of each kind: on sale, paid and cancelled."""
    tickets = await asyncio.gather(*(seller.sell() for _ in range(15)))
    orders = await asyncio.gather(*(buyer.buy(ticket) for ticket in tickets[:10]))
    paid = [(await buyer.pay(order))[0] for order in orders[:5]]
    ended = [(await buyer.call("DELETE", f"/api/orders/{order}"))[0] for order in orders[5:]]
    assert (paid, ended) == ([201] * 5, [204] * 5)


@pytest.mark.parametrize("service", REPLICAS)
async def test_a_replica_that_was_lost_ends_as_it_was_while_others_trade(
    target: Target, seller: Person, buyer: Person, service: str
) -> None:
    await trade(seller, buyer)
    async with aclosing(Replica(target, service)) as replica:
        before = await replica.at_rest()
        await replica.documents.drop()

        trading = asyncio.create_task(trade(seller, buyer))
        await rebuild(target, service)
        # Events that arrived while the replica was empty were refused as a gap, and are delivered again.
        await trading

        after = await replica.at_rest()
    assert {record_id: after.get(record_id) for record_id in before} == before
    assert len(after) > len(before) > 0


async def test_timers_that_redis_lost_are_set_again(tmp_path: Path) -> None:
    async with (
        running(configuration(tmp_path, ORDER_HOLD_SECONDS="300")) as system,
        users_of(system) as api,
        aclosing(Redis.from_url(system.config.redis())) as redis,
    ):
        seller, buyer = await Person.sign_up(api), await Person.sign_up(api)
        tickets = await asyncio.gather(*(seller.sell() for _ in range(10)))
        orders = set(await asyncio.gather(*(buyer.buy(ticket) for ticket in tickets)))
        async with asyncio.timeout(10):
            while not orders <= await holds(redis):
                await asyncio.sleep(0.01)

        # Its user may not FLUSHALL.
        await redis.delete(TIMERS_KEY, *(f"arq:job:{order}" for order in orders))
        done = await asyncio.to_thread(
            run_module, "expiration", "rebuild", environment=environment_of(system, "expiration")
        )

        assert done.returncode == 0, done.stderr
        assert orders <= await holds(redis)
