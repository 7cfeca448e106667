"""However a broker may deliver, a consumer, its listeners and their replica end as after one run in order.

The stream here delivers at least once and no better: each message several times, in any order, with
processes that die before their ack, so that what they did is done again.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.base.money import Money
from common.contract.events import TicketCreated, TicketUpdated
from common.messaging import outcomes, parked_deliveries
from common.messaging.consumer import Consumer
from common.messaging.listener import Listener
from common.messaging.publisher import Publisher
from common.messaging.stream import ConsumerSpec
from common.persistence import parked_messages
from common.persistence.mongo import Database
from common.persistence.parked_messages import ParkedMessages
from common.persistence.replica import Replica
from common.testing.events import emitted_by
from common.testing.fake_stream import FakeStream
from common.testing.memory import memory_database
from tests.builders import a_change

Event = TicketCreated | TicketUpdated

CRASH_RATE = 0.15
OUTAGE_RATE = 0.15


class Kept(Listener[Any]):
    """Applies to the replica; now and then its process dies before or after that, or its database is away."""

    queue_group = "tests"

    def __init__(self, replica: Replica, luck: random.Random, effects: Mapping[str, list[int]]) -> None:
        self._replica = replica
        self._luck = luck
        self._effects = effects

    async def on_message(self, event: Event) -> None:
        self._may_fail()

        async def effect() -> None:
            self._effects[event.id].append(event.version)

        await self._replica.in_order(f"effects of {event.id}", event.version, effect)
        fields = {"title": event.title, f"seen{event.version}": True}
        await self._replica.apply(event.id, event.version, fields)
        self._may_fail()

    def _may_fail(self) -> None:
        draw = self._luck.random()
        if draw < CRASH_RATE:
            raise asyncio.CancelledError
        if draw < CRASH_RATE + OUTAGE_RATE:
            raise TimeoutError


class Created(Kept):
    events = (TicketCreated,)


class Updated(Kept):
    events = (TicketUpdated,)


class Owner(Publisher[Event], source="tickets"): ...


def event_of(ticket_id: str, version: int) -> Event:
    if version == 0:
        return TicketCreated(id=ticket_id, version=0, title="v0", price=Money(2000), user_id="u")
    return a_change(ticket_id, version, f"v{version}")


histories = st.dictionaries(st.sampled_from("abc"), st.integers(1, 6), min_size=1)


@given(histories, st.integers(0, 3), st.booleans(), st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_any_delivery_ends_as_the_one_in_order(
    histories: dict[str, int], repeated: int, with_parking: bool, seed: int
) -> None:
    luck = random.Random(seed)
    events = [
        event_of(ticket_id, version) for ticket_id, count in histories.items() for version in range(count)
    ]
    arrivals = [*events, *luck.choices(events, k=repeated * len(events))]
    luck.shuffle(arrivals)
    effects: dict[str, list[int]] = defaultdict(list)

    async def example() -> Database:
        database = memory_database()
        stream, replica = FakeStream(), Replica(database["tickets"])
        publisher = Owner(stream)
        parking = ParkedMessages(database) if with_parking else None
        # Two processes of one service, on one durable consumer.
        consumers = [
            Consumer(stream, [kept(replica, luck, effects) for kept in (Created, Updated)], parking)
            for _ in "12"
        ]
        for consumer in consumers:
            consumer.spec = ConsumerSpec("tests", consumer.spec.filter_subjects, ack_wait=0.06)
        running = [asyncio.create_task(consumer.run()) for consumer in consumers]
        for event in arrivals:
            envelope = publisher.envelope(event, event.version)
            await stream.publish(envelope.subject, envelope.data.encode(), emitted_by("tickets"))
            if luck.random() < 0.2:
                await asyncio.sleep(0)
        await asyncio.sleep(0)
        await stream.settled(timeout=60)
        async with asyncio.timeout(60):
            while await database["parked"].count_documents({}):
                await asyncio.sleep(0.002)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        assert stream.of("dead") == []
        return database

    async def ended() -> dict[str, Any]:
        database = await example()
        found = await database["tickets"].find({})
        return {document.pop("_id"): document for document in found}

    with pytest.MonkeyPatch.context() as quick:
        quick.setattr(outcomes, "FIRST_DELAY", 0.0005)
        quick.setattr(outcomes, "LONGEST_DELAY", 0.002)
        quick.setattr(parked_deliveries, "SWEEP_SECONDS", 0.005)
        quick.setattr(parked_messages, "CLAIM", timedelta(milliseconds=60))
        quick.setattr(outcomes, "LONGEST_PARKED_DELAY", 0.01)
        quick.setattr(outcomes, "WAITING_ATTEMPTS", 10_000)
        documents = asyncio.run(ended())

    for ticket_id, count in histories.items():
        assert documents[ticket_id] == {
            **{"version": count - 1, "title": f"v{count - 1}"},
            **{f"seen{version}": True for version in range(count)},
        }
        # Again after a crash, but never before an earlier one's first nor after a later one's.
        assert effects[ticket_id] == sorted(effects[ticket_id])
        assert set(effects[ticket_id]) == set(range(count))
