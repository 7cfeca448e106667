from contextlib import aclosing
from datetime import UTC, datetime

import pytest
from nats.aio.client import Client
from nats.js.api import AckPolicy, ConsumerConfig

from common.contract.events import Subject
from common.contract.stream import MARKETPLACE
from common.messaging.jetstream.stream import JetStream
from infra.verify.reconcile.report import Report
from infra.verify.rollout import stream
from infra.verify.rollout.stream import IDLE, WIDER, Declarations

pytest_plugins = ["common.testing.fixtures"]


async def test_a_declaration_may_widen_and_must_not_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    now: dict[str, set[str]] = {}

    async def declared(_broker: Client) -> dict[str, set[str]]:
        return now

    monkeypatch.setattr(stream, "declared", declared)
    report = Report()
    declarations = Declarations(Client(), report)
    for filters in ({"a"}, {"a", "b"}, {"a", "b", "c"}):
        now["consumer orders"] = filters
        await declarations.look("orders-1")
    assert report.is_clean

    now["consumer orders"] = {"a", "c"}
    await declarations.look("orders-2")

    assert report.findings[WIDER].shown == ["consumer orders, after orders-2: no longer b"]


async def test_work_that_is_left_is_named_after_a_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    left = iter([{"orders": (3, 1)}, {"orders": (0, 1)}, {}])

    async def looked(_broker: Client) -> dict[str, tuple[int, int]]:
        return next(left, {"orders": (0, 1)})

    monkeypatch.setattr(stream, "_left", looked)
    calm, stuck = Report(), Report()
    await stream.idle(Client(), calm)
    monkeypatch.setattr(stream, "IDLE_SECONDS", 0.0)
    await stream.idle(Client(), stuck)

    assert calm.is_clean
    assert stuck.findings[IDLE].shown == ["orders: 0 pending, 1 not acknowledged"]


@pytest.mark.connected
async def test_events_that_a_killed_reader_did_not_read_are_no_work(real_stream: JetStream) -> None:
    broker, before = real_stream.client, datetime.now(UTC)
    work = ConsumerConfig(durable_name="orders", filter_subject="ticket.>", ack_policy=AckPolicy.EXPLICIT)
    await broker.jetstream().add_consumer(MARKETPLACE.name, work)
    async with aclosing(real_stream.follow("ticket.>", before, 0)) as batches:
        await anext(batches)
        await broker.jetstream().publish(f"{Subject.TICKET_CREATED}.a", b"{}")
        consumers = await broker.jetstream().consumers_info(MARKETPLACE.name)

        assert [consumer.num_pending for consumer in consumers] == [1, 1]
        assert await stream._left(broker) == {"orders": (1, 0)}
