"""What two versions of the code declare: together at least what each needs, until an operator narrows it."""

import argparse
import asyncio
import io
from dataclasses import replace
from typing import cast

import pytest
from nats.js.api import ConsumerConfig, StreamConfig

from common.base.errors import Unavailable
from common.contract.stream import MARKETPLACE
from common.messaging.jetstream.command import main, parse, run
from common.messaging.jetstream.declarations import (
    Storage,
    declare_consumer,
    widened_consumer,
    widened_stream,
)
from common.messaging.jetstream.skipped import Skipped, marked, of
from common.messaging.jetstream.stream import JetStream
from common.messaging.stream import ConsumerSpec
from common.testing.servers import server
from tests.broker import NatsServer, a_spec, assert_silent, pulled, put, texts

NEWER = replace(MARKETPLACE, published=(*MARKETPLACE.published, "refund.>"))


def test_a_stream_is_widened_to_the_subjects_of_both_and_the_looser_limits() -> None:
    current = StreamConfig(subjects=["b.>", "a.>"], num_replicas=3, max_msg_size=10, max_age=0, max_bytes=7)
    wanted = StreamConfig(subjects=["c.>", "a.>"], num_replicas=1, max_msg_size=20, max_age=5)

    found = widened_stream(current, wanted)

    assert found.subjects == ["a.>", "b.>", "c.>"]
    assert (found.num_replicas, found.max_msg_size, found.max_age, found.max_bytes) == (3, 20, 0, 7)


@pytest.mark.parametrize(("current", "wanted", "then"), [(-1, 9, 9), (7, 9, 9), (9, 7, 7), (7, None, 7)])
def test_the_bound_of_a_stream_is_the_administrators_and_a_process_without_one_leaves_it(
    current: int, wanted: int | None, then: int
) -> None:
    was, asked = (StreamConfig(subjects=["a.>"], max_bytes=bound) for bound in (current, wanted))

    assert widened_stream(was, asked).max_bytes == then


def test_what_is_permanent_stays_so() -> None:
    permanent = StreamConfig(subjects=["a.>"], num_replicas=1, deny_delete=True, deny_purge=True)
    plain = StreamConfig(subjects=["a.>"], num_replicas=1)

    assert widened_stream(permanent, plain) is permanent
    found = widened_stream(plain, permanent)
    assert (found.deny_delete, found.deny_purge) == (True, True)


def test_a_declaration_that_adds_nothing_changes_nothing() -> None:
    stream = StreamConfig(subjects=["b.>", "a.>"], num_replicas=3, max_msg_size=-1, duplicate_window=120)
    consumer = ConsumerConfig(filter_subjects=["b.*", "a.*"], ack_wait=4.0, max_ack_pending=2_000)

    assert widened_stream(stream, replace(stream, subjects=["a.>"], max_msg_size=9)) is stream
    narrower = ConsumerConfig(filter_subjects=["a.*"], ack_wait=2.0, max_ack_pending=100)
    assert widened_consumer(consumer, narrower) is consumer


def test_a_consumer_of_one_subject_is_widened_to_several() -> None:
    single = ConsumerConfig(filter_subject="a.*", ack_wait=4.0, max_ack_pending=10)

    found = widened_consumer(single, ConsumerConfig(filter_subjects=["b.*"], ack_wait=1, max_ack_pending=20))

    assert (found.filter_subject, found.filter_subjects) == (None, ["a.*", "b.*"])
    assert (found.ack_wait, found.max_ack_pending) == (4.0, 20)


@pytest.fixture
async def newer(nats_server: NatsServer) -> JetStream:
    """A process of the newer version, on a server of the test's own."""
    await nats_server.start()
    stream = JetStream(nats_server.url, "newer", NEWER)
    await stream.connect()
    return stream


@pytest.mark.connected
async def test_an_older_process_that_starts_takes_no_subject_of_a_newer_ones_stream_away(
    newer: JetStream, nats_server: NatsServer
) -> None:
    older = JetStream(nats_server.url, "older", MARKETPLACE)
    await older.connect()

    assert await put(newer, "a", "refund.created.1") > 0
    await older.close()
    await newer.close()


@pytest.mark.connected
async def test_an_older_process_that_starts_takes_no_event_from_a_newer_one(
    newer: JetStream, nats_server: NatsServer
) -> None:
    wide = a_spec("tester", "ticket.created.*", "ticket.updated.*")
    source = await newer.source(wide)
    older = JetStream(nats_server.url, "older", MARKETPLACE)
    await older.connect()
    await (await older.source(a_spec("tester", "ticket.created.*"))).close()

    await put(newer, "new kind", "ticket.updated.7")
    await put(newer, "old kind", "ticket.created.8")

    assert sorted(texts(await pulled(source, 2))) == ["new kind", "old kind"]
    await older.close()
    await newer.close()


@pytest.mark.connected
async def test_what_was_skipped_is_handed_over_by_the_next_process_after_a_crash(newer: JetStream) -> None:
    narrow = await newer.source(a_spec("tester", "ticket.created.*"))
    sequences = [await put(newer, str(number), "ticket.updated.7") for number in range(3)]
    await put(newer, "passed", "ticket.created.7")
    await (await pulled(narrow, 1))[0].ack()
    await narrow.close()
    wide = a_spec("tester", "ticket.created.*", "ticket.updated.*", "retry.tester.>")
    await declare_consumer(newer.client, "gittix", wide)  # … and ends here.
    context = newer.client.jetstream()
    crashed = (await context.consumer_info("gittix", "tester")).config
    # Another one handed the first message over, and ended.
    await context.add_consumer("gittix", marked(crashed, Skipped(("ticket.updated.*",), sequences[0])))

    source = await newer.source(wide)

    assert texts(await pulled(source, 2)) == ["1", "2"]
    await assert_silent(source)
    assert of((await context.consumer_info("gittix", "tester")).config) is None
    await newer.close()


@pytest.mark.connected
async def test_what_two_widenings_skipped_is_handed_over_from_the_start(newer: JetStream) -> None:
    await (await newer.source(a_spec("tester", "order.created.*"))).close()
    await declare_consumer(newer.client, "gittix", a_spec("tester", "ticket.created.*"))
    context = newer.client.jetstream()
    first = (await context.consumer_info("gittix", "tester")).config
    await context.add_consumer("gittix", marked(first, Skipped(("ticket.created.*",), 5)))

    await declare_consumer(newer.client, "gittix", a_spec("tester", "ticket.updated.*"))

    found = of((await context.consumer_info("gittix", "tester")).config)
    assert found == Skipped(("ticket.created.*", "ticket.updated.*"), 0)
    await newer.close()


@pytest.mark.connected
async def test_a_process_keeps_what_an_operator_set(newer: JetStream, nats_server: NatsServer) -> None:
    context = newer.client.jetstream()
    await newer.source(a_spec("tester"))
    await context.update_stream((await context.stream_info("gittix")).config.evolve(max_bytes=10**9))

    again = JetStream(nats_server.url, "again", NEWER)
    await again.connect()
    await again.source(ConsumerSpec("tester", ("ticket.created.*", "order.created.*"), ack_wait=1.0))

    assert (await context.stream_info("gittix")).config.max_bytes == 10**9
    consumer = (await context.consumer_info("gittix", "tester")).config
    assert sorted(cast("list[str]", consumer.filter_subjects)) == ["order.created.*", "ticket.created.*"]
    assert consumer.ack_wait == 6.0
    await again.close()
    await newer.close()


async def command(stream: JetStream, *words: str) -> tuple[int, str]:
    out = io.StringIO()
    code = await run(parse(words), stream.client, NEWER, out)
    return code, out.getvalue()


@pytest.mark.connected
async def test_an_operator_takes_a_subject_away(newer: JetStream) -> None:
    source = await newer.source(a_spec("tester", "ticket.created.*", "ticket.updated.*"))

    assert await command(newer, "narrow", "ticket.updated.*", "--consumer", "tester") == (
        0,
        "tester without ticket.updated.*\n",
    )
    assert await command(newer, "narrow", "refund.>") == (0, "gittix without refund.>\n")

    await put(newer, "a", "ticket.updated.7")
    await assert_silent(source)
    with pytest.raises(Unavailable):
        await put(newer, "a", "refund.created.1")
    _, shown = await command(newer, "list")
    assert "consumer  tester       ticket.created.*\n" in shown
    assert "refund" not in shown
    await newer.close()


@pytest.mark.connected
@pytest.mark.parametrize(
    "words",
    [
        ("narrow", "nothing.>"),
        ("narrow", "ticket.created.*", "--consumer", "tester"),
        ("narrow", "x", "--consumer", "nobody"),
    ],
)
async def test_what_cannot_be_taken_away_is_said_and_nothing_changes(
    newer: JetStream, words: tuple[str, ...]
) -> None:
    await newer.source(a_spec("tester", "ticket.created.*"))
    _, before = await command(newer, "list")

    code, said = await command(newer, *words)

    assert code == 1
    assert said.strip()
    assert (await command(newer, "list")) == (0, before)
    await newer.close()


async def test_a_broker_that_is_not_there_is_said_in_one_line(
    nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("common.messaging.jetstream.operator.CONNECT_SECONDS", 0.2)

    assert await main(argparse.Namespace(command="list"), nats_server.url, MARKETPLACE) == 1

    assert capsys.readouterr().err.startswith("The event stream can't be reached")


@pytest.mark.connected
async def test_a_command_that_only_reads_declares_nothing(nats_server: NatsServer) -> None:
    await nats_server.start()
    reader = JetStream(nats_server.url, "reader", MARKETPLACE)

    await reader.connect(declare=False)

    assert await reader.client.jetstream().streams_info() == []
    await reader.close()


@pytest.mark.connected
async def test_the_marketplace_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    stream = JetStream(server("TEST_NATS_URL"), "test", MARKETPLACE)
    await stream.connect()
    await stream.close()

    assert await main(parse(["list"]), server("TEST_NATS_URL"), MARKETPLACE) == 0

    assert capsys.readouterr().out.startswith("stream    gittix")


@pytest.mark.connected
async def test_a_process_that_declares_nothing_waits_for_the_administrator_and_says_what_to_run(
    nats_server: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    await nats_server.start()
    service = JetStream(nats_server.url, "service", NEWER, None)
    connecting = asyncio.create_task(service.connect())
    older = JetStream(nats_server.url, "older", MARKETPLACE)
    await older.connect()
    async with asyncio.timeout(10):
        while "lacks refund.> in the stream gittix. As its administrator run:" not in caplog.text:
            await asyncio.sleep(0.01)
    assert not service.is_up()
    with pytest.raises(Unavailable):
        await put(service, "a")

    storage = Storage(max_bytes=8_000_000)
    assert await run(parse(["declare"]), older.client, NEWER, io.StringIO(), storage) == 0

    async with asyncio.timeout(10):
        await connecting
    assert await put(service, "a", "refund.created.1") > 0
    events, letters = [
        (await older.client.jetstream().stream_info(name)).config for name in (NEWER.name, NEWER.dead_letters)
    ]
    assert (events.max_bytes, events.deny_delete, events.deny_purge) == (8_000_000, True, True)
    assert (letters.max_bytes, letters.discard, letters.deny_delete) == (1_000_000, "new", False)
    await service.close()
    await older.close()


@pytest.mark.connected
async def test_an_older_process_that_declares_the_streams_itself_keeps_what_the_administrator_decided(
    nats_server: NatsServer,
) -> None:
    await nats_server.start()
    for storage in (Storage(max_bytes=8_000_000, permanent=True), Storage()):
        stream = JetStream(nats_server.url, "any", MARKETPLACE, storage)
        await stream.connect()
        config = (await stream.client.jetstream().stream_info(MARKETPLACE.name)).config
        assert (config.max_bytes, config.deny_delete, config.deny_purge) == (8_000_000, True, True)
        await stream.close()
