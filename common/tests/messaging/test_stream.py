"""What a stream does, over the fake one and, marked `connected`, the real one alike."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, aclosing

import orjson
import pytest
from prometheus_client import REGISTRY

from common.base import times
from common.base.errors import Unavailable
from common.base.ids import new_id
from common.contract.stream import MARKETPLACE
from common.messaging.jetstream.pull_consumer import JetStreamSource
from common.messaging.jetstream.stream import JetStream
from common.messaging.stream import MESSAGE_ID, Pending, Stored, Stream, retry_subject
from common.testing.fake_stream import FakeStream
from common.testing.fixtures import server
from tests.broker import NatsServer, a_spec, assert_silent, pulled, put, texts

Connection = Callable[[], Awaitable[Stream]]
"""Opens one more connection to the broker of the test."""

FOLLOWED = "ticket.created.*"
FAKE_AND_REAL = ["fake", pytest.param("real", marks=pytest.mark.connected)]


@pytest.fixture(params=FAKE_AND_REAL)
def broker(request: pytest.FixtureRequest) -> Stream:
    """The stream that the suite holds to its behaviour."""
    name = "stream" if request.param == "fake" else "real_stream"
    stream: Stream = request.getfixturevalue(name)
    return stream


@pytest.fixture
async def connection(broker: Stream) -> AsyncIterator[Connection]:
    async with AsyncExitStack() as stack:

        async def connect() -> Stream:
            if isinstance(broker, FakeStream):
                return broker
            another = JetStream(server("TEST_NATS_URL"), "another", MARKETPLACE)
            stack.push_async_callback(another.close)
            await another.connect()
            return another

        yield connect


async def test_a_message_arrives_with_its_subject_data_and_headers(broker: Stream) -> None:
    source = await broker.source(a_spec())
    message_id = new_id()
    headers = {"ce-id": "x", MESSAGE_ID: message_id}
    await broker.publish("ticket.created.42", b'{"title":"Caf\xc3\xa9"}', headers)

    (delivery,) = await pulled(source, 1)

    assert delivery.subject == "ticket.created.42"
    assert delivery.data == b'{"title":"Caf\xc3\xa9"}'
    assert delivery.headers["ce-id"] == "x"
    assert delivery.headers[MESSAGE_ID] == message_id
    assert delivery.attempt == 1
    assert headers == {"ce-id": "x", MESSAGE_ID: message_id}


async def test_what_was_published_before_the_consumer_existed_arrives(broker: Stream) -> None:
    for text in ("a", "b", "c"):
        await put(broker, text)

    deliveries = await pulled(await broker.source(a_spec()), 3)

    assert texts(deliveries) == ["a", "b", "c"]
    assert sorted({d.sequence for d in deliveries}) == [d.sequence for d in deliveries]


async def test_one_message_id_is_stored_once(broker: Stream) -> None:
    source = await broker.source(a_spec())
    message_id = new_id()
    await put(broker, "first", message_id=message_id)
    await put(broker, "again", message_id=message_id)
    await put(broker, "other")

    assert texts(await pulled(source, 2)) == ["first", "other"]
    await assert_silent(source)


async def test_a_publication_tells_its_sequence_and_a_repeated_one_the_first_ones(broker: Stream) -> None:
    source = await broker.source(a_spec())
    message_id = new_id()
    sequences = [await put(broker, text, message_id=by) for text, by in (("a", message_id), ("b", None))]
    again = await put(broker, "a", message_id=message_id)

    assert [delivery.sequence for delivery in await pulled(source, 2)] == sequences
    assert again == sequences[0]


async def test_to_connect_again_changes_nothing(broker: Stream) -> None:
    source = await broker.source(a_spec())
    await broker.connect()
    await put(broker, "a")

    assert texts(await pulled(source, 1)) == ["a"]


async def test_what_is_acked_does_not_come_again(broker: Stream) -> None:
    source = await broker.source(a_spec(ack_wait=0.4))
    await put(broker, "a")

    (delivery,) = await pulled(source, 1)
    await delivery.ack()

    await assert_silent(source, 0.8)


async def test_what_is_nacked_comes_again_after_its_delay_and_not_before(broker: Stream) -> None:
    source = await broker.source(a_spec())
    await put(broker, "a")
    (first,) = await pulled(source, 1)
    before = time.monotonic()

    await first.nak(0.4)
    (second,) = await pulled(source, 1)

    assert time.monotonic() - before >= 0.39
    assert (second.data, second.attempt, second.sequence) == (b"a", 2, first.sequence)
    await second.nak(0)
    (third,) = await pulled(source, 1)
    assert third.attempt == 3


async def test_a_nacked_message_holds_up_no_other(broker: Stream) -> None:
    source = await broker.source(a_spec())
    await put(broker, "a")
    (first,) = await pulled(source, 1)
    await first.nak(30)

    await put(broker, "b")

    assert texts(await pulled(source, 1, within=1)) == ["b"]


async def test_what_is_terminated_never_comes_again(broker: Stream) -> None:
    source = await broker.source(a_spec(ack_wait=0.4))
    await put(broker, "a")

    (delivery,) = await pulled(source, 1)
    await delivery.term()

    await assert_silent(source, 0.8)


async def test_what_stays_unanswered_comes_again_after_the_ack_wait(broker: Stream) -> None:
    source = await broker.source(a_spec(ack_wait=0.5))
    await put(broker, "a")
    before = time.monotonic()
    await pulled(source, 1)

    (again,) = await pulled(source, 1)

    assert time.monotonic() - before >= 0.49
    assert again.attempt == 2


async def test_what_is_in_progress_is_waited_for(broker: Stream) -> None:
    source = await broker.source(a_spec(ack_wait=1.0))
    await put(broker, "a")
    (delivery,) = await pulled(source, 1)

    for _ in range(3):
        await assert_silent(source, 0.5)
        await delivery.in_progress()

    before = time.monotonic()
    assert (await pulled(source, 1))[0].attempt == 2
    assert time.monotonic() - before >= 0.9


async def test_only_the_subjects_asked_for_arrive(broker: Stream) -> None:
    source = await broker.source(a_spec("tester", "ticket.updated.*", "order.created.7"))
    for subject in ("ticket.created.1", "order.created.8", "payment.created.7"):
        await put(broker, f"not {subject}", subject)
    for subject in ("ticket.updated.1", "order.created.7"):
        await put(broker, subject, subject)

    assert texts(await pulled(source, 2)) == ["ticket.updated.1", "order.created.7"]
    await assert_silent(source)


async def test_each_of_two_consumers_gets_everything(broker: Stream) -> None:
    sources = [await broker.source(a_spec(durable)) for durable in ("one", "two")]
    for text in ("a", "b"):
        await put(broker, text)

    for source in sources:
        deliveries = await pulled(source, 2)
        assert texts(deliveries) == ["a", "b"]
        for delivery in deliveries:
            await delivery.ack()


async def test_a_durable_consumer_goes_on_where_it_was(broker: Stream, connection: Connection) -> None:
    source = await (await connection()).source(a_spec())
    await put(broker, "a")
    await put(broker, "b")
    for delivery in await pulled(source, 2):
        await delivery.ack()
    await source.close()
    await put(broker, "c")

    again = await (await connection()).source(a_spec())

    assert texts(await pulled(again, 1)) == ["c"]


async def test_a_consumer_that_is_declared_otherwise_follows(broker: Stream, connection: Connection) -> None:
    await (await broker.source(a_spec("tester", "ticket.created.*"))).close()
    another = await connection()
    source = await another.source(a_spec("tester", "ticket.created.*", "order.created.*"))

    await put(broker, "order", "order.created.1")

    assert texts(await pulled(source, 1)) == ["order"]


async def test_what_was_skipped_before_its_subject_was_added_arrives(
    broker: Stream, connection: Connection
) -> None:
    narrow = await (await connection()).source(a_spec("tester", "ticket.created.*"))
    for text in ("a", "b"):
        await put(broker, text, "order.created.1")
    await put(broker, "other", "ticket.created.1")
    (delivery,) = await pulled(narrow, 1)
    await delivery.ack()
    await narrow.close()
    wide = a_spec("tester", "ticket.created.*", "order.created.*", retry_subject("tester", ">"))

    source = await (await connection()).source(wide)
    # A second process declares the same, and adds nothing.
    await (await (await connection()).source(wide)).close()

    deliveries = await pulled(source, 2)
    assert [delivery.subject for delivery in deliveries] == ["retry.tester.order.created.1"] * 2
    assert texts(deliveries) == ["a", "b"]
    await assert_silent(source)


async def test_a_narrower_declaration_takes_nothing_away(broker: Stream, connection: Connection) -> None:
    await (await broker.source(a_spec("tester", "ticket.created.*", "order.created.*"))).close()
    source = await (await connection()).source(a_spec("tester", "ticket.created.*"))

    await put(broker, "order", "order.created.1")

    assert texts(await pulled(source, 1)) == ["order"]


async def test_a_message_can_be_read_by_its_sequence(broker: Stream) -> None:
    headers = {"ce-id": "x", MESSAGE_ID: new_id()}
    sequence = await broker.publish("ticket.created.1", b'{"title":"Caf\xc3\xa9"}', headers)

    found = await broker.read(sequence)

    assert found is not None
    assert (found.sequence, found.subject, found.data) == (
        sequence,
        "ticket.created.1",
        b'{"title":"Caf\xc3\xa9"}',
    )
    assert found.headers["ce-id"] == "x"
    assert await broker.read(sequence + 1) is None
    await broker.remove(sequence)
    assert await broker.read(sequence) is None


async def test_messages_are_counted_by_subject(broker: Stream) -> None:
    for subject in ("ticket.created.1", "ticket.created.2", "order.created.1"):
        await put(broker, "x", subject)
    await put(broker, "x", "dead.tester.ticket.created.1")

    assert await broker.count("ticket.created.*") == 2
    assert await broker.count("payment.>") == 0
    assert await broker.count("dead.tester.>", dead_letters=True) == 1


async def test_work_that_is_left_is_counted(broker: Stream) -> None:
    source = await broker.source(a_spec())
    for text in ("a", "b", "c"):
        await put(broker, text)
    first, *_ = await pulled(source, 2)
    await first.ack()

    async with asyncio.timeout(5):
        while await source.pending() != Pending(1, 1):
            await asyncio.sleep(0.01)


async def test_a_pull_that_waits_gets_what_is_published_at_once(broker: Stream) -> None:
    source = await broker.source(a_spec())
    waiting = asyncio.create_task(source.pull(10))
    # The second one finds the request of the first pull still open.
    for text in ("a", "b"):
        await asyncio.sleep(0.1)
        assert not waiting.done()
        before = time.monotonic()
        await put(broker, text)

        assert texts(await asyncio.wait_for(waiting, 5)) == [text]
        assert time.monotonic() - before < 0.5
        waiting = asyncio.create_task(source.pull(10))
    waiting.cancel()


async def test_a_pull_that_was_cancelled_loses_nothing(broker: Stream) -> None:
    source = await broker.source(a_spec())
    await assert_silent(source, 0.1)
    await put(broker, "a")

    assert texts(await pulled(source, 1, within=2)) == ["a"]


@pytest.mark.parametrize("ticks", range(6))
async def test_a_cancelled_consumer_stops_also_when_a_message_arrives_meanwhile(
    broker: Stream, ticks: int
) -> None:
    source = await broker.source(a_spec())
    await put(broker, "under way")
    await pulled(source, 1)

    async def consume() -> None:
        while True:
            await source.pull(1)

    consuming = asyncio.create_task(consume())
    await asyncio.sleep(0.02)
    await put(broker, "a")
    for _ in range(ticks):
        await asyncio.sleep(0)
    consuming.cancel()

    done, _ = await asyncio.wait([consuming], timeout=2)
    assert done == {consuming}


async def test_no_more_arrive_than_the_limit(broker: Stream) -> None:
    source = await broker.source(a_spec())
    for number in range(7):
        await put(broker, str(number))

    seen: list[str] = []
    while len(seen) < 7:
        batch = texts(await asyncio.wait_for(source.pull(3), 5))
        assert 1 <= len(batch) <= 3
        seen += batch

    assert seen == [str(number) for number in range(7)]


async def test_only_the_first_answer_counts(broker: Stream) -> None:
    source = await broker.source(a_spec())
    await put(broker, "a")
    (delivery,) = await pulled(source, 1)

    await delivery.ack()
    await delivery.nak(0)

    await assert_silent(source)


async def test_the_stream_says_that_it_is_up(broker: Stream) -> None:
    assert broker.is_up()


async def test_the_fake_refuses_while_it_is_down(stream: FakeStream) -> None:
    stream.up = False

    assert not stream.is_up()
    with pytest.raises(Unavailable):
        await put(stream, "a")
    assert stream.messages == []
    connecting = asyncio.create_task(stream.connect())
    await asyncio.sleep(0.02)
    assert not connecting.done()
    stream.up = True
    await asyncio.wait_for(connecting, 1)


@pytest.mark.connected
async def test_publishing_to_a_dead_server_is_unavailable_and_works_again_later(
    nats_server: NatsServer,
) -> None:
    await nats_server.start()
    stream = JetStream(nats_server.url, "test", MARKETPLACE)
    await stream.connect()
    nats_server.kill()

    with pytest.raises(Unavailable):
        await put(stream, "a")
    assert not stream.is_up()

    await nats_server.start()
    await published(stream, "b")
    source = await stream.source(a_spec())
    # "a" was refused, and may still have been sent later: then it is stored once.
    assert texts(await pulled(source, 1))[0] in ("a", "b")
    await stream.close()


@pytest.mark.connected
async def test_a_first_connection_waits_for_its_server(nats_server: NatsServer) -> None:
    stream = JetStream(nats_server.url, "test", MARKETPLACE)
    connecting = asyncio.create_task(stream.connect())
    await asyncio.sleep(0.3)
    assert not connecting.done()
    assert not stream.is_up()
    with pytest.raises(Unavailable):
        await put(stream, "early")

    await nats_server.start()
    await asyncio.wait_for(connecting, 10)

    assert stream.is_up()
    source = await stream.source(a_spec())
    await put(stream, "a")
    assert texts(await pulled(source, 1)) == ["a"]
    await stream.close()


@pytest.mark.connected
async def test_of_several_servers_one_that_lives_is_enough(nats_server: NatsServer) -> None:
    await nats_server.start()
    stream = JetStream(f"nats://127.0.0.1:1,{nats_server.url}", "test", MARKETPLACE)

    await asyncio.wait_for(stream.connect(), 10)

    assert stream.is_up()
    await stream.close()


@pytest.mark.connected
async def test_a_connection_can_be_closed_before_its_server_was_ever_there(nats_server: NatsServer) -> None:
    stream = JetStream(nats_server.url, "test", MARKETPLACE)
    connecting = asyncio.create_task(stream.connect())
    await asyncio.sleep(0.1)

    connecting.cancel()
    await asyncio.gather(connecting, return_exceptions=True)
    await asyncio.wait_for(stream.close(), 5)

    assert not stream.is_up()


@pytest.mark.connected
async def test_killed_twice_the_server_loses_nothing_that_it_confirmed(nats_server: NatsServer) -> None:
    await nats_server.start()
    stream = JetStream(nats_server.url, "test", MARKETPLACE)
    await stream.connect()
    source = await stream.source(a_spec(ack_wait=1.0))
    received: set[str] = set()

    async def consume() -> None:
        while True:
            for delivery in await source.pull(50):
                received.add(delivery.data.decode())
                await delivery.ack()

    async def produce() -> None:
        for number in range(600):
            await published(stream, str(number))

    consuming = asyncio.create_task(consume())
    producing = asyncio.create_task(produce())
    for reached in (150, 350):
        await reaches(received, reached)
        nats_server.kill()
        await nats_server.start()

    await asyncio.wait_for(producing, 20)
    await reaches(received, 600)
    assert received == {str(number) for number in range(600)}
    consuming.cancel()
    await stream.close()


@pytest.mark.connected
async def test_an_idle_consumer_gets_what_comes_after_its_server_was_killed(nats_server: NatsServer) -> None:
    await nats_server.start()
    stream = JetStream(nats_server.url, "test", MARKETPLACE)
    await stream.connect()
    source = await stream.source(a_spec())
    waiting = asyncio.create_task(source.pull(1))
    await asyncio.sleep(0.1)

    nats_server.kill()
    await nats_server.start()
    await published(stream, "a")

    assert texts(await asyncio.wait_for(waiting, 5)) == ["a"]
    await stream.close()


@pytest.mark.connected
async def test_a_server_that_lost_its_store_is_consumed_from_again_without_haste(
    nats_server: NatsServer,
) -> None:
    await nats_server.start()
    stream = JetStream(nats_server.url, "test", MARKETPLACE)
    await stream.connect()
    source = await stream.source(a_spec())
    waiting = asyncio.create_task(source.pull(1))
    await asyncio.sleep(0.1)

    nats_server.kill()
    nats_server.forget()
    await nats_server.start()
    requests = count_requests(source)
    await published(stream, "a")

    assert texts(await asyncio.wait_for(waiting, 10)) == ["a"]
    assert requests() < 50
    await stream.close()


@pytest.mark.connected
async def test_a_pull_that_is_refused_is_logged_ever_more_rarely_and_goes_on_with_less(
    real_stream: JetStream, caplog: pytest.LogCaptureFixture
) -> None:
    source = await real_stream.source(a_spec("bounded"))
    await bound_requests(real_stream, "bounded", 2)
    for number in range(50):
        await put(real_stream, str(number))
    before = refusals("bounded")

    assert len(await pulled(source, 50)) == 50

    times = refusals("bounded") - before
    lines = [record for record in caplog.records if record.message == "the broker refuses to deliver"]
    assert times >= 3
    assert 1 <= len(lines) < times
    assert "MaxRequestBatch" in vars(lines[0])["description"]


async def bound_requests(stream: JetStream, consumer: str, most: int) -> None:
    """As an operator does. nats-py doesn't know the setting."""
    info = await stream.client.request(f"$JS.API.CONSUMER.INFO.gittix.{consumer}", b"", timeout=2)
    config = {**orjson.loads(info.data)["config"], "max_batch": most}
    body = orjson.dumps({"stream_name": "gittix", "config": config})
    answer = await stream.client.request(f"$JS.API.CONSUMER.CREATE.gittix.{consumer}", body, timeout=2)
    assert orjson.loads(answer.data)["config"]["max_batch"] == most


def refusals(consumer: str) -> float:
    labels = {"consumer": consumer, "status": "409"}
    return REGISTRY.get_sample_value("event_pull_refusals_total", labels) or 0


def count_requests(source: JetStreamSource) -> Callable[[], int]:
    client = source._client
    before = client.stats["out_msgs"]
    return lambda: client.stats["out_msgs"] - before


async def published(stream: Stream, text: str) -> None:
    """Publishes as a relay does: again and again until it is confirmed."""
    message_id = new_id()
    async with asyncio.timeout(20):
        while True:
            try:
                await put(stream, text, message_id=message_id)
                return
            except Unavailable:
                await asyncio.sleep(0.05)


async def reaches(received: set[str], count: int) -> None:
    async with asyncio.timeout(30):
        while len(received) < count:
            await asyncio.sleep(0.005)


async def followed(batches: AsyncGenerator[Sequence[Stored], None], until: int) -> list[str]:
    """Bodies of what comes until the end of the stream was reached this often."""
    found: list[str] = []
    async with asyncio.timeout(10):
        async for batch in batches:
            found += [stored.data.decode() for stored in batch]
            until -= not batch
            if not until:
                break
    return found


async def test_what_is_followed_comes_from_a_time_on_and_then_as_it_is_published(
    broker: Stream, connection: Connection
) -> None:
    await put(broker, "old")
    await asyncio.sleep(0.01)
    since = times.now()
    await put(broker, "a")
    await put(broker, "of another subject", "order.created.1")
    await put(broker, "b")
    another = await connection()
    async with aclosing(another.follow(FOLLOWED, since)) as batches:
        assert await followed(batches, 1) == ["a", "b"]
        await put(broker, "c")
        assert await followed(batches, 1) == ["c"]

    last = await broker.last([FOLLOWED])
    assert last is not None
    async with aclosing(another.follow(FOLLOWED, since, last.sequence - 1)) as batches:
        assert await followed(batches, 1) == ["c"]
