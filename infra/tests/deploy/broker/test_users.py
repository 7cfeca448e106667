"""What services do on a broker with users: all of their work, and none of another's."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing
from io import StringIO
from pathlib import Path

import nats
import nats.errors
import nats.js.errors
import pytest
from tests.deploy.broker.running import running

from common.base.errors import Unavailable
from common.base.ids import new_id
from common.contract.stream import MARKETPLACE
from common.messaging.dead_letters import DeadLetters, command
from common.messaging.jetstream.stream import JetStream
from common.messaging.stream import MESSAGE_ID, ConsumerSpec, Delivery, Source, Stored, Stream
from common.messaging.subscriptions.hints import NatsHints
from common.runtime.settings import ADMINISTRATOR

pytestmark = pytest.mark.connected

CREATED = "payment.created.65f000000000000000000001"


async def put(stream: Stream, subject: str, body: bytes = b"{}") -> int:
    return await stream.publish(subject, body, {MESSAGE_ID: new_id()})


async def pulled(source: Source) -> Delivery:
    async with asyncio.timeout(10):
        return (await source.pull(1))[0]


async def history(stream: Stream, *subjects: str, dead_letters: bool = False) -> Sequence[Stored]:
    async with aclosing(stream.history(subjects, dead_letters=dead_letters)) as batches:
        return [stored async for batch in batches for stored in batch]


def spec_of(durable: str, *subjects: str) -> ConsumerSpec:
    return ConsumerSpec(durable, (*subjects, f"retry.{durable}.>"))


async def test_a_service_publishes_consumes_reads_and_buries(tmp_path: Path) -> None:
    async with (
        running(tmp_path) as broker,
        broker.stream("payments") as payments,
        broker.stream("orders") as orders,
    ):
        sequence = await put(payments, CREATED)
        source = await orders.source(spec_of("orders", "payment.created.*"))
        delivery = await pulled(source)
        await delivery.in_progress()
        await DeadLetters(orders).add(delivery, "orders", "broken")
        await delivery.term()

        assert delivery.sequence == sequence
        assert [stored.sequence for stored in await history(orders, "payment.>")] == [sequence]
        assert (await orders.read(sequence) or delivery).subject == CREATED
        assert (await orders.last(["payment.>"]) or delivery).subject == CREATED
        assert await orders.count("dead.orders.>", dead_letters=True) == 1
        assert (await source.pending()).undelivered == 0

        # An operator hands it to orders again.
        async with broker.stream(ADMINISTRATOR) as operator:
            assert await command.run(command.parse(["replay", "--all"]), operator, StringIO()) == 0
        again = await pulled(source)
        assert again.subject == f"retry.orders.{CREATED}"
        await again.ack()


async def test_a_service_is_handed_what_it_skipped_before_it_listened(tmp_path: Path) -> None:
    async with (
        running(tmp_path) as broker,
        broker.stream("payments") as payments,
        broker.stream("orders") as orders,
    ):
        older = await orders.source(spec_of("orders", "payment.created.*"))
        await put(payments, "payment.captured.65f")
        await put(payments, CREATED)
        await (await pulled(older)).ack()

        newer = await orders.source(spec_of("orders", "payment.created.*", "payment.captured.*"))

        assert (await pulled(newer)).subject == "retry.orders.payment.captured.65f"


async def test_the_pages_are_woken_by_what_they_show_and_publish_nothing(tmp_path: Path) -> None:
    woken: list[str] = []
    async with running(tmp_path) as broker, broker.stream("tickets") as tickets:
        hints = NatsHints(broker.config.nats(), "client", identity=broker.identity("client"))
        await hints.subscribe(["ticket.updated.*"], lambda subject, _: woken.append(subject), lambda: None)
        await put(tickets, "ticket.updated.65f")
        async with asyncio.timeout(5):
            while not woken:
                await asyncio.sleep(0.01)
        await hints.close()

        # A forged payment, as from a process of the pages that somebody else has taken over.
        async with broker.connection("client") as client:
            with pytest.raises(nats.errors.TimeoutError):
                await client.request(CREATED, b"{}", timeout=0.5)
        assert await history(tickets, "payment.>") == []


async def test_only_the_administrator_changes_streams_and_nobody_deletes_events(tmp_path: Path) -> None:
    async with running(tmp_path) as broker, broker.stream("payments") as payments:
        sequence = await put(payments, CREATED)
        async with broker.connection("payments") as client:
            for attack in (
                client.jetstream(timeout=0.3).delete_stream,
                client.jetstream(timeout=0.3).purge_stream,
            ):
                with pytest.raises(nats.errors.TimeoutError):
                    await attack(MARKETPLACE.name)
        async with broker.connection(ADMINISTRATOR) as admin:
            with pytest.raises(nats.js.errors.APIError):
                await admin.jetstream().delete_msg(MARKETPLACE.name, sequence)
            with pytest.raises(nats.js.errors.APIError):
                await admin.jetstream().purge_stream(MARKETPLACE.name)

        assert (await payments.read(sequence) or Stored(0, "", b"", {})).subject == CREATED


async def test_nobody_else_gets_in(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with running(tmp_path) as broker:
        anonymous = JetStream(broker.config.nats(), "orders", MARKETPLACE, None)
        connecting = asyncio.create_task(anonymous.connect())
        async with asyncio.timeout(10):
            while "the broker refuses this process" not in caplog.text:
                await asyncio.sleep(0.01)
        assert not anonymous.is_up()
        with pytest.raises(Unavailable):
            await put(anonymous, CREATED)

        # It goes on trying: an operator may take the users away again.
        broker.stop()
        broker.start(with_users=False)
        async with asyncio.timeout(20):
            await connecting
        assert await history(anonymous, "payment.>") == []
        await anonymous.close()


async def test_a_process_with_a_seed_works_before_and_after_the_broker_has_users(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The way to users: first the processes get seeds, then the broker its users."""
    caplog.set_level(logging.INFO)
    async with running(tmp_path, with_users=False) as broker, broker.stream("payments") as payments:
        source = await payments.source(spec_of("payments", "order.created.*"))
        await put(payments, CREATED)

        broker.stop()
        broker.start(with_users=True)

        async with broker.stream("orders") as orders:
            await put(orders, "order.created.65f")
        async with asyncio.timeout(20):
            while not payments.is_up():
                await asyncio.sleep(0.01)
        assert (await pulled(source)).subject == "order.created.65f"
        assert len(await history(payments, "payment.>")) == 1
