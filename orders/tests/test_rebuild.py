"""The replica of the tickets is rebuilt from the stream, while the service serves."""

import asyncio

import orjson
import pytest

from common.contract.stream import MARKETPLACE
from common.messaging.jetstream.stream import JetStream
from common.messaging.stream import Stream
from common.persistence.mongo import ASCENDING, Database
from common.testing.browser import JWT_PUBLIC_KEYS, a_user, running
from common.testing.events import deliver, emitted_by, publish
from common.testing.fake_stream import FakeStream
from common.testing.process import run_module
from common.testing.servers import server
from orders.rebuild import rebuild
from tests.builders import Offer, Shop, an_app


async def replica(database: Database) -> list[dict[str, object]]:
    return await database["tickets"].find({}, sort=[("_id", ASCENDING)])


async def test_a_replica_that_was_lost_is_as_the_listeners_had_built_it(
    shop: Shop, stream: FakeStream, database: Database
) -> None:
    free, held, withdrawn = Offer(), Offer(), Offer()
    await deliver(stream, free.created(), free.updated(1, "Opera", 1999))
    await deliver(stream, held.created(), held.updated(1, order_id="o"), held.updated(2))
    await deliver(stream, withdrawn.created(), withdrawn.withdrawn())
    before = await replica(database)
    await database["tickets"].delete_many({})
    assert (await shop.post({"ticketId": free.id})).status_code == 404

    report = await rebuild(stream, database)

    assert await replica(database) == before
    assert report.mended["missing"] == 3
    assert (await shop.post({"ticketId": free.id})).status_code == 201
    assert (await shop.post({"ticketId": withdrawn.id})).status_code == 404


async def test_a_replica_from_before_there_were_details_is_right_as_it_is(
    shop: Shop, stream: FakeStream, database: Database
) -> None:
    offer = Offer()
    body = {"id": offer.id, "version": 0, "title": "Concert", "price": 20, "userId": offer.seller_id}
    await stream.publish(f"ticket.created.{offer.id}", orjson.dumps(body), emitted_by("tickets"))
    await stream.settled()
    # As the release of before wrote it.
    await database["tickets"].update_one({"_id": offer.id}, {"$unset": {"details": ""}})
    before = await replica(database)

    report = await rebuild(stream, database)

    assert (report.records, report.mended.total()) == (1, 0)
    assert await replica(database) == before
    assert (await shop.post({"ticketId": offer.id})).status_code == 201


async def test_after_a_rebuild_the_next_event_is_applied(
    shop: Shop, stream: FakeStream, database: Database
) -> None:
    offer = await shop.an_offer()
    await database["tickets"].delete_many({})
    await rebuild(stream, database)

    await deliver(stream, offer.updated(1, cents=500))

    (found,) = await replica(database)
    assert (found["version"], found["price_cents"]) == (1, 500)


@pytest.mark.connected
async def test_a_copy_that_was_lost_is_there_again_while_the_service_serves(
    real_database: Database, real_stream: Stream
) -> None:
    """The command in a process of its own, the service's consumer going on in this one."""
    offers = [Offer() for _ in range(700)]
    async with running(
        an_app(real_database, JetStream(server("TEST_NATS_URL"), "orders", MARKETPLACE))
    ) as client:
        for offer in offers:
            await publish(real_stream, offer.created())
        for version in (1, 2):
            for offer in offers:
                await publish(real_stream, offer.updated(version, cents=version))
        await reaches(real_database, dict.fromkeys((offer.id for offer in offers), 2))
        before = await replica(real_database)
        await real_database["tickets"].drop()
        environment = {
            "MONGO_URI": server("TEST_MONGO_URI").replace("/?", f"/{real_database.name}?"),
            "NATS_URL": server("TEST_NATS_URL"),
            "JWT_PUBLIC_KEYS": JWT_PUBLIC_KEYS,
            "RECEIPT_KEYS": "r" * 32,
        }

        command = asyncio.to_thread(run_module, "orders", "rebuild", environment=environment)
        rebuilding = asyncio.create_task(command)
        for offer in offers[:200]:
            await publish(real_stream, offer.updated(3, cents=3))
        done = await rebuilding

        assert done.returncode == 0, done.stderr
        assert "events" in done.stdout
        expected = {offer.id: 3 if n < 200 else 2 for n, offer in enumerate(offers)}
        await reaches(real_database, expected)
        after = await replica(real_database)
        assert [a | {"version": 0, "price_cents": 0} for a in after] == [
            b | {"version": 0, "price_cents": 0} for b in before
        ]
        shop = Shop(client, FakeStream(), real_database, a_user())
        assert (await shop.post({"ticketId": offers[0].id})).json()["ticket"]["price"] == 0.03


async def reaches(database: Database, versions: dict[str, int]) -> None:
    async with asyncio.timeout(30):
        while {found["_id"]: found["version"] for found in await replica(database)} != versions:
            await asyncio.sleep(0.05)


@pytest.mark.usefixtures("environment")
async def test_a_broker_that_is_not_there_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from common.persistence import rebuild as mechanism

    monkeypatch.setattr(mechanism, "CONNECT_SECONDS", 0.2)

    async def never(_stream: Stream) -> object:
        raise AssertionError

    code = await asyncio.to_thread(mechanism.command, "orders", "nats://127.0.0.1:1", MARKETPLACE, never)
    assert code == 1

    assert capsys.readouterr().err.startswith("Not done: ")
