"""Handing over what a consumer skipped, and an operator's command, without a broker."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, cast

import pytest
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig

from common.base.errors import Unavailable
from common.messaging.jetstream import operator
from common.messaging.jetstream.operator import operate
from common.messaging.jetstream.skipped import Skipped, hand_over, marked, of, widening
from common.messaging.jetstream.stream import JetStream
from common.messaging.nats_connection import Identity
from common.messaging.stream import MESSAGE_ID, Stored, Stream, StreamSpec

SPEC = StreamSpec("events", ("a.>",))


def test_what_is_left_is_read_from_the_consumers_metadata() -> None:
    config = ConsumerConfig(durable_name="shop", metadata={"own": "1"})

    noted = marked(config, Skipped(("b.>", "a.>"), 7))

    assert of(noted) == Skipped(("a.>", "b.>"), 7)
    assert noted.metadata == {"own": "1", "skipped": '{"subjects":["a.>","b.>"],"after":7}'}
    assert noted.durable_name == "shop"
    assert marked(noted, None).metadata == {"own": "1"}
    assert marked(ConsumerConfig(), None).metadata == {}
    assert of(ConsumerConfig()) is None
    assert of(marked(noted, None)) is None
    assert Skipped(("a.>",)).after == 0


def test_a_consumer_is_widened_by_the_subjects_that_it_lacks_but_its_own_retries() -> None:
    assert widening("shop", ["a.>"], ["a.>", "b.>", "retry.shop.>"]) == {"b.>"}
    assert widening("shop", [], ["retry.other.>"]) == {"retry.other.>"}


class Broker:
    """Stream and context of one consumer. `batches`: Of its history."""

    def __init__(self, config: ConsumerConfig, *batches: Sequence[Stored]) -> None:
        self.config = config
        self.batches = batches
        self.asked: list[tuple[Sequence[str], int]] = []
        self.published: list[tuple[str, bytes, Mapping[str, str]]] = []
        self.left: list[Skipped | None] = []
        self.closed = False

    async def history(self, subjects: Sequence[str], after: int) -> AsyncIterator[Sequence[Stored]]:
        self.asked.append((subjects, after))
        try:
            for batch in self.batches:
                yield batch
        finally:
            self.closed = True

    async def publish(self, subject: str, data: bytes, headers: Mapping[str, str]) -> None:
        self.published.append((subject, data, headers))

    async def consumer_info(self, stream: str, durable: str) -> Any:
        assert (stream, durable) == ("events", "shop")
        return self

    async def add_consumer(self, stream: str, config: ConsumerConfig) -> None:
        assert stream == "events"
        self.config = config
        self.left.append(of(config))


def handed(broker: Broker) -> Any:
    return hand_over(cast("Stream", broker), cast("JetStreamContext", broker), "events", broker.config)


def stored(sequence: int) -> Stored:
    return Stored(sequence, f"b.{sequence}", b"data", {"own": str(sequence), MESSAGE_ID: "old"})


async def test_each_skipped_message_is_published_for_this_consumer_alone_and_noted_by_batch() -> None:
    config = ConsumerConfig(durable_name="shop", metadata={"own": "1"})
    broker = Broker(marked(config, Skipped(("b.>",), 3)), [stored(4), stored(6)], [stored(9)])

    await handed(broker)

    assert broker.asked == [(("b.>",), 3)]
    assert broker.published == [
        (f"retry.shop.b.{n}", b"data", {"own": str(n), MESSAGE_ID: f"skipped:shop:{n}"}) for n in (4, 6, 9)
    ]
    assert broker.left == [Skipped(("b.>",), 6), Skipped(("b.>",), 9), None]
    assert broker.config.metadata == {"own": "1"}
    assert broker.closed


async def test_a_consumer_that_skipped_nothing_is_left_alone() -> None:
    broker = Broker(ConsumerConfig(durable_name="shop"), [stored(1)])

    await handed(broker)

    assert (broker.asked, broker.published, broker.left) == ([], [], [])


class Connection:
    """In place of `JetStream`. `error`: Raised when it connects."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.made: list[object] = []
        self.calls: list[object] = []

    def make(self, url: str, name: str, spec: StreamSpec, *, identity: Identity | None) -> "Connection":
        self.made = [url, name, spec, identity]
        return self

    async def connect(self, *, declare: bool = True) -> None:
        self.calls.append(("connect", declare))
        if self.error is not None:
            raise self.error

    async def close(self) -> None:
        self.calls.append("close")


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Connection:
    connection = Connection()
    monkeypatch.setattr(operator, "JetStream", connection.make)
    return connection


async def test_a_command_works_on_a_stream_that_it_does_not_declare(connection: Connection) -> None:
    identity = cast("Identity", object())

    async def work(stream: JetStream) -> int:
        connection.calls.append(stream)
        return 7

    assert await operate("list", "nats://a", SPEC, work, identity) == 7
    assert connection.made == ["nats://a", "list", SPEC, identity]
    assert connection.calls == [("connect", False), connection, "close"]


@pytest.mark.parametrize("error", [Unavailable("no broker"), TimeoutError()])
async def test_a_broker_that_cannot_be_reached_is_one_line_and_exit_code_1(
    connection: Connection, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    connection.error = error

    async def work(_: JetStream) -> int:
        raise AssertionError

    assert await operate("list", "nats://a", SPEC, work) == 1
    assert capsys.readouterr().err == f"The event stream can't be reached: {error!r}\n"
    assert connection.calls == [("connect", False), "close"]


async def test_another_error_of_the_work_closes_the_connection(connection: Connection) -> None:
    async def work(_: JetStream) -> int:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError):
        await operate("list", "nats://a", SPEC, work)
    assert connection.calls[-1] == "close"
