"""Which messages run beside which, and what keeps them from coming twice."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

import pytest

from common.base.errors import Unavailable
from common.contract.events import OrderCancelled, TicketCreated, TicketUpdated
from common.messaging import consumer as consumers
from common.messaging.consumer import MOST_WORK, MOST_WORK_AND_WAITING, Consumer
from common.messaging.listener import Listener
from common.messaging.stream import ConsumerSpec, Delivery, Stream
from common.persistence.mongo import Database
from common.persistence.parked_messages import ParkedMessages
from common.testing.events import deliver, emitted_by, publish
from common.testing.fake_stream import FakeSource, FakeStream
from tests.builders import a_change, a_creation, consuming, until


class Updated(Listener[TicketUpdated]):
    """Holds each message until `gate` is open; fails for the title "poison"."""

    queue_group = "tests"

    def __init__(self, is_open: bool = True) -> None:
        self.gate = asyncio.Event()
        if is_open:
            self.gate.set()
        self.running: set[str] = set()
        self.most = 0
        self.done: dict[str, list[int]] = defaultdict(list)

    async def on_message(self, event: TicketUpdated) -> None:
        assert event.id not in self.running
        self.running.add(event.id)
        self.most = max(self.most, len(self.running))
        try:
            await self.gate.wait()
            await asyncio.sleep(0)
            if event.title == "poison":
                raise ValueError(event.title)
            self.done[event.id].append(event.version)
        finally:
            self.running.discard(event.id)


class Created(Listener[TicketCreated]):
    queue_group = "tests"

    def __init__(self) -> None:
        self.done: list[str] = []

    async def on_message(self, event: TicketCreated) -> None:
        self.done.append(event.id)


class Cancelled(Listener[OrderCancelled]):
    queue_group = "tests"

    async def on_message(self, event: OrderCancelled) -> None:
        raise AssertionError(event)


class Tickets(Listener[TicketCreated | TicketUpdated]):
    queue_group = "tests"

    def __init__(self) -> None:
        self.seen: list[TicketCreated | TicketUpdated] = []

    async def on_message(self, event: TicketCreated | TicketUpdated) -> None:
        self.seen.append(event)


async def test_one_listener_takes_several_kinds_of_event(stream: FakeStream) -> None:
    listener = Tickets()
    async with consuming(stream, listener):
        await deliver(stream, a_creation("1"), a_change("1", 1))

    assert listener.seen == [a_creation("1"), a_change("1", 1)]


async def test_messages_of_one_id_run_in_order_and_one_at_a_time(stream: FakeStream) -> None:
    listener = Updated()
    async with consuming(stream, listener):
        await deliver(stream, *(a_change(str(n % 3), n // 3) for n in range(60)))

    assert dict(listener.done) == {str(n): list(range(20)) for n in range(3)}


class Alone(Listener[TicketCreated | TicketUpdated]):
    """Fails where two of its messages run at once; `seen` holds what it has handled."""

    queue_group = "tests"

    def __init__(self) -> None:
        self.seen: list[TicketCreated | TicketUpdated] = []
        self._running = False

    async def on_message(self, event: TicketCreated | TicketUpdated) -> None:
        assert not self._running
        self._running = True
        await asyncio.sleep(0)
        self._running = False
        self.seen.append(event)


async def test_a_record_has_one_lane_for_all_kinds_of_its_events_and_for_what_is_replayed(
    stream: FakeStream,
) -> None:
    listener = Alone()
    async with consuming(stream, listener):
        await publish(stream, a_creation("1"), a_change("1", 1))
        await stream.publish(
            "retry.tests.ticket.updated.1", a_change("1", 2).to_json(), emitted_by("tickets")
        )
        await stream.settled()

    assert listener.seen == [a_creation("1"), a_change("1", 1), a_change("1", 2)]
    assert [delivery.attempt for delivery in stream.sources["tests"].deliveries] == [1, 1, 1]


async def test_different_ids_run_side_by_side(stream: FakeStream) -> None:
    listener = Updated(is_open=False)
    async with consuming(stream, listener):
        await publish(stream, *(a_change(str(n)) for n in range(10)))

        await until(lambda: len(listener.running) == 10)
        listener.gate.set()


async def test_the_last_place_is_used(stream: FakeStream) -> None:
    listener = Updated()
    async with consuming(stream, listener, capacity=1):
        await deliver(stream, a_change("1"), a_change("2"))

    assert set(listener.done) == {"1", "2"}


async def test_no_more_is_taken_than_the_capacity(stream: FakeStream) -> None:
    listener = Updated(is_open=False)
    async with consuming(stream, listener, capacity=3) as consumer:
        await publish(stream, *(a_change(str(n)) for n in range(10)))
        await until(lambda: len(listener.running) == 3)
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(stream.sources[consumer.spec.durable].deliveries) == 3

        listener.gate.set()
        await stream.settled()

    assert listener.most == 3
    assert len(listener.done) == 10


async def test_one_busy_id_counts_against_the_capacity_with_all_that_wait_for_it(stream: FakeStream) -> None:
    listener = Updated(is_open=False)
    async with consuming(stream, listener, capacity=3) as consumer:
        await publish(stream, *(a_change("1", version) for version in range(10)))
        await until(lambda: listener.running)
        assert len(stream.sources[consumer.spec.durable].deliveries) == 3

        listener.gate.set()
        await stream.settled()

    assert listener.done["1"] == list(range(10))


async def test_a_poisonous_message_delays_no_other(stream: FakeStream) -> None:
    listener = Updated()
    async with consuming(stream, listener):
        await publish(stream, a_change("1", 1, "poison"), a_change("1", 2), a_change("2", 1))

        await until(lambda: listener.done["1"] == [2] and listener.done["2"] == [1], timeout=1)
        (first, *_) = stream.sources["tests"].deliveries
        assert first.outcome == "nak"


async def test_what_breaks_the_listener_breaks_no_other_message(stream: FakeStream) -> None:
    listener = Updated()
    async with consuming(stream, listener):
        await stream.publish("ticket.updated.1", b"{", {})
        await deliver(stream, a_change("1", 5))

    assert listener.done["1"] == [5]
    assert [message.subject for message in stream.messages if message.subject.startswith("dead.")] == [
        "dead.tests.ticket.updated.1"
    ]


async def test_a_long_handler_keeps_its_delivery(stream: FakeStream) -> None:
    listener = Updated(is_open=False)
    consumer = quick(stream, listener, ack_wait=0.15)
    task = asyncio.create_task(consumer.run())
    await until(lambda: consumer.ready)
    # The second message waits behind the first, and is kept as well.
    await publish(stream, a_change("1", 1), a_change("1", 2))
    await until(lambda: listener.running)

    await asyncio.sleep(0.6)
    assert consumer.ready
    listener.gate.set()
    await stream.settled()
    task.cancel()

    assert [delivery.attempt for delivery in stream.sources["tests"].deliveries] == [1, 1]
    assert listener.done["1"] == [1, 2]


async def test_drained_waits_for_what_runs(stream: FakeStream) -> None:
    listener = Updated(is_open=False)
    consumer = Consumer(stream, [listener])
    task = asyncio.create_task(consumer.run())
    await until(lambda: consumer.ready)
    await publish(stream, a_change("1"))
    await until(lambda: listener.running)

    task.cancel()
    draining = asyncio.create_task(consumer.drained())
    await asyncio.gather(task, return_exceptions=True)
    assert not consumer.ready
    assert not draining.done()
    listener.gate.set()
    await asyncio.wait_for(draining, 1)

    assert listener.done["1"] == [1]
    assert [delivery.outcome for delivery in stream.sources["tests"].deliveries] == ["ack"]


async def test_a_lane_that_is_cancelled_leaves_its_deliveries_to_the_next_process(stream: FakeStream) -> None:
    listener = Updated(is_open=False)
    consumer = quick(stream, listener, ack_wait=0.2)
    task = asyncio.create_task(consumer.run())
    await publish(stream, a_change("1", 1), a_change("1", 2))
    await until(lambda: listener.running)

    task.cancel()
    for lane in consumer._tasks:
        lane.cancel()
    await asyncio.wait_for(consumer.drained(), 1)
    assert [delivery.outcome for delivery in stream.sources["tests"].deliveries] == [None, None]

    successor = Updated()
    async with consuming(stream, successor):
        await until(lambda: successor.done["1"] == [1, 2])


class Dying(Listener[TicketUpdated]):
    """Its first call is cancelled, the later ones return."""

    queue_group = "tests"

    def __init__(self) -> None:
        self.calls = 0

    async def on_message(self, _event: TicketUpdated) -> None:
        self.calls += 1
        if self.calls == 1:
            raise asyncio.CancelledError


async def test_a_handler_that_is_cancelled_frees_its_place_and_its_message_comes_again(
    stream: FakeStream,
) -> None:
    listener = Dying()
    consumer = Consumer(stream, [listener], capacity=1)
    consumer.spec = ConsumerSpec("tests", consumer.spec.filter_subjects, ack_wait=0.1)
    task = asyncio.create_task(consumer.run())
    await publish(stream, a_change("1"))

    await until(lambda: listener.calls == 2)
    await stream.settled()
    task.cancel()

    assert [delivery.outcome for delivery in stream.sources["tests"].deliveries] == [None, "ack"]


class Faltering(FakeStream):
    """Refuses the first declarations, and the first pull requests after them."""

    def __init__(self) -> None:
        super().__init__()
        self.refusals = 3

    async def source(self, spec: ConsumerSpec) -> FakeSource:
        self.refuse()
        return FalteringSource(self, spec, await super().source(spec))

    def refuse(self) -> None:
        self.refusals -= 1
        if self.refusals >= 0:
            raise Unavailable("not yet")


class FalteringSource(FakeSource):
    def __init__(self, stream: Faltering, spec: ConsumerSpec, source: FakeSource) -> None:
        super().__init__(spec)
        self._stream = stream
        self._source = source
        self._stream.refusals = 3

    async def pull(self, limit: int) -> Sequence[Delivery]:
        self._stream.refuse()
        return await self._source.pull(limit)


async def test_a_broker_that_refuses_for_a_while_is_asked_until_it_does_not(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(consumers, "RETRY_SECONDS", 0.001)
    stream, listener = Faltering(), Updated()
    async with consuming(stream, listener):
        await deliver(stream, a_change("1"))

    assert listener.done == {"1": [1]}
    # The third refusal of each is no line of its own.
    lines = ["consumer not declared yet", "nothing pulled"]
    assert [record.message for record in caplog.records] == [line for line in lines for _ in "12"]


async def test_of_two_versions_side_by_side_the_newer_one_handles_the_kind_that_it_alone_knows(
    stream: FakeStream, database: Database
) -> None:
    await handled_by_the_newer_version(stream, database)


async def handled_by_the_newer_version(stream: Stream, database: Database) -> None:
    parking = ParkedMessages(database)
    newer = Updated()
    async with (
        consuming(stream, Created(), parking=parking),
        consuming(stream, Created(), newer, parking=parking),
    ):
        await publish(stream, *(a_change(str(n)) for n in range(100)))
        await until(lambda: len(newer.done) == 100, timeout=20)

    assert dict(newer.done) == {str(n): [1] for n in range(100)}
    assert await stream.count("dead.>", dead_letters=True) == 0


async def test_a_kind_that_is_new_waits_through_a_rollback_for_the_next_rollout(
    stream: FakeStream, database: Database
) -> None:
    parking = ParkedMessages(database)
    async with consuming(stream, Created(), Updated(), parking=parking):
        pass
    older = Created()
    async with consuming(stream, older, parking=parking):
        await publish(stream, *(a_change(str(n)) for n in range(10)))
        await deliver(stream, *(a_creation(str(n)) for n in range(100, 110)))
        assert len(older.done) == 10
    newer = Updated()
    async with consuming(stream, Created(), newer, parking=parking):
        await until(lambda: len(newer.done) == 10, timeout=10)

    assert await database["parked"].count_documents({}) == 0


async def test_a_part_that_fails_unexpectedly_ends_the_consumer_which_is_started_again(
    stream: FakeStream, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def break_down() -> None:
        raise KeyError("since")

    parking = ParkedMessages(database)
    monkeypatch.setattr(parking, "oldest", break_down)
    consumer = Consumer(stream, [Updated()], parking)

    with pytest.raises(ExceptionGroup) as failure:
        await asyncio.wait_for(consumer.run(), 5)

    assert failure.group_contains(KeyError)
    assert not consumer.ready


async def test_a_consumer_asks_for_the_events_of_its_listeners(stream: FakeStream) -> None:
    consumer = Consumer(stream, [Updated(), Cancelled()])

    assert consumer.spec.durable == "tests"
    assert consumer.spec.filter_subjects == ("ticket.updated.*", "order.cancelled.*", "retry.tests.>")


async def test_what_waits_takes_places_among_the_work_only_where_it_cannot_be_parked(
    stream: FakeStream, database: Database
) -> None:
    assert Consumer(stream, [Updated()], ParkedMessages(database)).spec.max_ack_pending == MOST_WORK
    assert Consumer(stream, [Updated()]).spec.max_ack_pending == MOST_WORK_AND_WAITING


async def test_listeners_of_two_queue_groups_are_a_mistake(stream: FakeStream) -> None:
    class Elsewhere(Updated):
        queue_group = "elsewhere"

    with pytest.raises(ValueError, match="one queue group"):
        Consumer(stream, [Updated(), Elsewhere()])


@pytest.mark.connected
async def test_on_real_servers_the_newer_of_two_versions_handles_the_kind_that_it_alone_knows(
    real_stream: Stream, real_database: Database
) -> None:
    await handled_by_the_newer_version(real_stream, real_database)


@pytest.mark.connected
async def test_on_the_real_stream_order_is_kept_and_nothing_comes_twice(real_stream: Stream) -> None:
    listener = Updated()
    async with consuming(real_stream, listener, capacity=16):
        await publish(real_stream, *(a_change(str(n % 5), n // 5) for n in range(200)))

        await until(lambda: sum(map(len, listener.done.values())) >= 200, timeout=10)

    assert dict(listener.done) == {str(n): list(range(40)) for n in range(5)}


@pytest.mark.connected
async def test_on_the_real_stream_a_dead_letter_is_stored_with_its_reason(real_stream: Stream) -> None:
    listener = Updated()
    async with consuming(real_stream, listener):
        await real_stream.publish("ticket.updated.1", '{"é\u0000": '.encode(), {"ce-id": "x"})
        await publish(real_stream, a_change("2"))
        await until(lambda: listener.done["2"])
        context = real_stream.client.jetstream()  # type: ignore[attr-defined]  # only the real one has it

        async def letters() -> int:
            return int((await context.stream_info("gittix-dead-letters")).state.messages)

        async with asyncio.timeout(5):
            while await letters() < 1:
                await asyncio.sleep(0.01)
        letter = await context.get_last_msg("gittix-dead-letters", "dead.tests.ticket.updated.1")

    assert letter.data == '{"é\u0000": '.encode()
    assert letter.headers["ce-id"] == "x"
    assert letter.headers["Gittix-Reason"].startswith("does not parse")


def quick(stream: Stream, listener: Updated, ack_wait: float) -> Consumer:
    consumer = Consumer(stream, [listener])
    consumer.spec = ConsumerSpec(consumer.spec.durable, consumer.spec.filter_subjects, ack_wait)
    return consumer
