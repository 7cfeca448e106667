"""What a stream holds can be read from any place, over the fake one and the real one alike."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from types import SimpleNamespace

import nats.errors
import pytest
from nats.js.api import ConsumerConfig, RawStreamMsg

from common.base import times
from common.base.errors import Unavailable
from common.contract.stream import MARKETPLACE
from common.messaging.dead_letters import DeadLetters
from common.messaging.jetstream.stream import JetStream
from common.messaging.stream import Stored, Stream
from common.messaging.subscriptions import history
from common.testing.fake_stream import FakeStream
from tests.broker import NatsServer, a_spec, pulled, put
from tests.builders import until

FAKE_AND_REAL = ["stream", pytest.param("real_stream", marks=pytest.mark.connected)]


@pytest.fixture(params=FAKE_AND_REAL)
def broker(request: pytest.FixtureRequest) -> Stream:
    stream: Stream = request.getfixturevalue(request.param)
    return stream


async def read(broker: Stream, *subjects: str, after: int = 0, dead_letters: bool = False) -> list[Stored]:
    history = broker.history(subjects or ("ticket.>",), after, dead_letters=dead_letters)
    return [stored async for batch in history for stored in batch]


def texts(found: Sequence[Stored]) -> list[str]:
    return [stored.data.decode() for stored in found]


async def test_an_empty_stream_has_no_history(broker: Stream) -> None:
    assert await read(broker) == []


async def test_the_history_is_all_that_was_published_on_these_subjects_in_order(broker: Stream) -> None:
    for number, kind in enumerate(("ticket.created", "order.created", "ticket.updated", "payment.created")):
        await put(broker, str(number), f"{kind}.1")

    found = await read(broker, "ticket.created.*", "ticket.updated.*", "payment.>")

    assert texts(found) == ["0", "2", "3"]
    assert [stored.subject for stored in found] == [
        *("ticket.created.1", "ticket.updated.1", "payment.created.1")
    ]
    assert [stored.sequence for stored in found] == sorted(stored.sequence for stored in found)


async def test_a_history_goes_on_from_behind_a_sequence(broker: Stream) -> None:
    for number in range(5):
        await put(broker, str(number))
    third = (await read(broker))[2]

    assert texts(await read(broker, after=third.sequence)) == ["3", "4"]


async def test_a_history_longer_than_a_batch_is_whole(broker: Stream) -> None:
    await asyncio.gather(*(put(broker, str(number)) for number in range(2_500)))

    batches = [batch async for batch in broker.history(["ticket.>"])]

    assert all(1 <= len(batch) <= 1_000 for batch in batches)
    assert sorted(int(text) for batch in batches for text in texts(batch)) == list(range(2_500))


async def test_a_history_ends_where_the_stream_ended_when_it_began(broker: Stream) -> None:
    for number in range(3):
        await put(broker, str(number))
    found = broker.history(["ticket.>"])
    first = await anext(found)
    await put(broker, "later")

    rest = [stored async for batch in found for stored in batch]

    assert texts([*first, *rest]) == ["0", "1", "2"]


async def test_the_last_message_is_the_latest_on_any_of_the_subjects(broker: Stream) -> None:
    assert await broker.last(["ticket.>"]) is None
    for number, kind in enumerate(("ticket.created", "ticket.updated", "order.created", "payment.created")):
        await put(broker, str(number), f"{kind}.1")

    found = await broker.last(["ticket.>", "order.created.*"])

    assert found is not None
    (same,) = await read(broker, "order.>")
    assert (found.sequence, found.subject, found.data) == (same.sequence, "order.created.1", b"2")
    assert found.headers == same.headers
    # One is read from an answer of the server, the other from a delivery, which rounds otherwise.
    assert abs(found.at - same.at) < timedelta(milliseconds=1)


async def test_reading_takes_nothing_from_a_consumer(broker: Stream) -> None:
    source = await broker.source(a_spec())
    await put(broker, "a")

    assert texts(await read(broker)) == ["a"]

    (delivery,) = await pulled(source, 1)
    assert (delivery.data, delivery.attempt) == (b"a", 1)


async def test_each_stream_has_its_own_history(broker: Stream) -> None:
    await put(broker, "a")
    (delivery,) = await pulled(await broker.source(a_spec()), 1)
    await DeadLetters(broker).add(delivery, "tester", "because")

    assert [stored.subject for stored in await read(broker, ">")] == ["ticket.created.1"]
    (dead,) = await read(broker, ">", dead_letters=True)
    assert dead.subject == "dead.tester.ticket.created.1"


async def test_what_is_removed_is_gone_and_can_be_removed_only_once(broker: Stream) -> None:
    for number in range(3):
        await put(broker, str(number))
    middle = (await read(broker))[1]

    assert await broker.remove(middle.sequence)
    assert not await broker.remove(middle.sequence)
    assert not await broker.remove(10**9)

    assert texts(await read(broker)) == ["0", "2"]


async def test_the_fake_cannot_be_read_while_it_is_down(stream: FakeStream) -> None:
    stream.up = False

    with pytest.raises(Unavailable):
        await read(stream)
    with pytest.raises(Unavailable):
        await stream.remove(1)


@pytest.mark.connected
async def test_a_history_whose_last_message_is_removed_meanwhile_ends_before_it(
    real_stream: JetStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "BATCH", 1)
    monkeypatch.setattr(history, "ANSWER_SECONDS", 1.0)
    last = [await put(real_stream, str(number)) for number in range(3)][-1]
    found = real_stream.history(["ticket.>"])
    first = await anext(found)
    await real_stream.remove(last)

    assert texts([*first, *[stored async for batch in found for stored in batch]]) == ["0", "1"]


@pytest.mark.connected
async def test_reading_leaves_no_consumer_behind(real_stream: JetStream) -> None:
    await put(real_stream, "a")

    await read(real_stream)

    assert await real_stream.client.jetstream().consumers_info("gittix") == []


@pytest.mark.connected
async def test_a_history_is_whole_although_the_server_is_killed_while_it_is_read(
    nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "BATCH", 50)
    monkeypatch.setattr(history, "ANSWER_SECONDS", 3_600.0)
    await nats_server.start()
    stream = JetStream(nats_server.url, "test", MARKETPLACE)
    await stream.connect()
    for number in range(300):
        await put(stream, str(number))

    found: list[str] = []
    async for batch in stream.history(["ticket.>"]):
        found += texts(batch)
        if len(found) == 100:
            nats_server.kill()
            await nats_server.start()

    assert found == [str(number) for number in range(300)]
    await stream.close()


@pytest.mark.connected
async def test_what_was_asked_over_a_connection_that_is_lost_is_asked_again_over_the_next(
    nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "ANSWER_SECONDS", 3_600.0)
    await nats_server.start()
    stream = JetStream(nats_server.url, "test", MARKETPLACE)
    await stream.connect()
    await put(stream, "a")
    nats_server.pause()
    sent = stream.client.stats["out_msgs"]
    reading = asyncio.create_task(read(stream))
    async with asyncio.timeout(20):
        while stream.client.stats["out_msgs"] == sent:
            await asyncio.sleep(0.005)
        nats_server.kill()
        await nats_server.start()

        assert texts(await reading) == ["a"]
    await stream.close()


@pytest.mark.connected
async def test_a_server_that_is_down_cannot_be_read(nats_server: NatsServer) -> None:
    await nats_server.start()
    stream = JetStream(nats_server.url, "test", MARKETPLACE)
    await stream.connect()
    await put(stream, "a")
    nats_server.kill()

    with pytest.raises(Unavailable):
        await read(stream)
    await stream.close()


class Hanging:
    """A client that gets no answer."""

    def __init__(self) -> None:
        self.asked = 0

    def jetstream(self, **_: float) -> "Hanging":
        return self

    async def get_last_msg(self, _stream: str, _subject: str) -> RawStreamMsg:
        self.asked += 1
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_connection_that_comes_back_twice_in_a_moment_asks_again() -> None:
    client = Hanging()
    reader = history.History(client)  # type: ignore[arg-type] # by shape
    task = asyncio.create_task(anext(reader.read("gittix", ["ticket.>"], 0)))
    await until(lambda: client.asked == 1)
    loop, again = asyncio.get_running_loop(), asyncio.Event()

    def reconnect_again() -> None:
        reader.reconnected()
        again.set()

    reader.reconnected()
    # In the turn of the loop in which the request ends, before its task has noticed.
    loop.call_later(0, reconnect_again)

    await asyncio.wait_for(again.wait(), 2)
    await until(lambda: client.asked >= 2)
    task.cancel()
    await asyncio.wait([task])


class Breaking:
    """A client over a stream of `count` messages, of whose consumers each breaks off after `each` messages.

    skips: The first consumer leaves out its second message, as a server does that is behind.
    """

    def __init__(self, count: int, each: int, skips: bool = False) -> None:
        self.consumers = 0
        self._count, self._each, self._skips = count, each, skips

    def jetstream(self, **_: float) -> "Breaking":
        return self

    async def get_last_msg(self, _stream: str, _subject: str) -> RawStreamMsg:
        return RawStreamMsg(seq=self._count)

    async def add_consumer(self, _stream: str, config: ConsumerConfig) -> SimpleNamespace:
        self.consumers += 1
        self._next, self._received = config.opt_start_seq or 0, 0
        return SimpleNamespace(name="reader", num_pending=self._count)

    async def pull_subscribe_bind(self, _consumer: str, _stream: str) -> "Breaking":
        return self

    async def fetch(self, _batch: int, _timeout: float) -> list[SimpleNamespace]:
        if self._received >= self._each:
            raise nats.errors.TimeoutError
        self._received += 2 if self._skips and self.consumers == 1 and self._received else 1
        sequence = self._next + self._received - 1
        place = SimpleNamespace(stream=sequence, consumer=self._received)
        metadata = SimpleNamespace(sequence=place, num_pending=1, timestamp=times.now())
        return [SimpleNamespace(subject="ticket.created.1", data=b"", headers=None, metadata=metadata)]

    async def unsubscribe(self) -> None: ...

    async def delete_consumer(self, _stream: str, _name: str) -> None: ...

    async def read(self) -> list[int]:
        reader = history.History(self)  # type: ignore[arg-type] # by shape
        return [stored.sequence async for batch in reader.read("gittix", ["ticket.>"], 0) for stored in batch]


async def test_a_history_is_whole_however_often_it_breaks_off_while_each_time_brings_something() -> None:
    client = Breaking(count=3 * history.TRIES, each=1)

    assert await client.read() == list(range(1, 3 * history.TRIES + 1))
    assert client.consumers == 3 * history.TRIES


async def test_a_history_of_which_nothing_comes_is_unavailable_after_a_few_tries() -> None:
    client = Breaking(count=3, each=0)

    with pytest.raises(Unavailable):
        await client.read()
    assert client.consumers == history.TRIES


async def test_a_consumer_that_skips_a_message_is_replaced_from_there_on() -> None:
    client = Breaking(count=4, each=10, skips=True)

    assert await client.read() == [1, 2, 3, 4]
    assert client.consumers == 2


class Answering(Breaking):
    """Its first answer to a pull comes together with a cancellation, and is returned in its place."""

    def __init__(self) -> None:
        super().__init__(count=2, each=10)
        self.asked = asyncio.Event()

    async def fetch(self, _batch: int, _timeout: float) -> list[SimpleNamespace]:
        if not self.asked.is_set():
            self.asked.set()
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        return await super().fetch(_batch, _timeout)


async def test_a_cancellation_that_comes_with_an_answer_is_not_lost() -> None:
    client = Answering()
    task = asyncio.create_task(client.read())
    await client.asked.wait()

    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
