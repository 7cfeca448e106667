"""Runs a service's listeners on its durable consumer.

Messages of one aggregate run one after another, different aggregates side by side, at most `capacity` at a
time. Deliveries that take long are kept from being handed to another process.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from common.base.errors import Unavailable
from common.messaging.dead_letters import DeadLetters
from common.messaging.listener import Listener
from common.messaging.stream import ConsumerSpec, Delivery, Source, Stream, first_subject, retry_subject

log = logging.getLogger(__name__)

CAPACITY = 128
RETRY_SECONDS = 0.5


class Consumer:
    def __init__(self, stream: Stream, listeners: Sequence[Listener[Any]], capacity: int = CAPACITY) -> None:
        """The listeners of one service: all of one queue group, each event with one of them."""
        groups = {listener.queue_group for listener in listeners}
        if len(groups) != 1:
            raise ValueError(f"one queue group expected, not {sorted(groups)}")
        self._stream = stream
        self._dead_letters = DeadLetters(stream)
        self._by_subject = {str(kind.subject): listener for listener in listeners for kind in listener.events}
        self._queue_group = groups.pop()
        subjects = [f"{subject}.*" for subject in self._by_subject]
        self.spec = ConsumerSpec(
            durable=self._queue_group, filter_subjects=(*subjects, retry_subject(self._queue_group, ">"))
        )
        self._capacity = capacity
        self._lanes: dict[str, deque[Delivery]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._since: dict[int, tuple[float, Delivery]] = {}
        self._room = asyncio.Event()
        self.ready = False

    async def run(self) -> None:
        """Consumes until cancelled. `drained` waits for the deliveries that are then in progress."""
        keeper = asyncio.create_task(self._keep_alive())
        try:
            source = await self._bind()
            self.ready = True
            try:
                while True:
                    await self._pull(source)
            finally:
                self.ready = False
                await source.close()
        finally:
            keeper.cancel()

    async def drained(self) -> None:
        """Returns when no listener runs."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _bind(self) -> Source:
        while True:
            try:
                return await self._stream.source(self.spec)
            except Unavailable as error:
                log.warning("consumer not declared yet", extra={"error": repr(error)})
                await asyncio.sleep(RETRY_SECONDS)

    async def _pull(self, source: Source) -> None:
        while len(self._since) >= self._capacity:
            self._room.clear()
            await self._room.wait()
        try:
            deliveries = await source.pull(self._capacity - len(self._since))
        except Unavailable as error:
            log.warning("nothing pulled", extra={"error": repr(error)})
            await asyncio.sleep(RETRY_SECONDS)
            return
        for delivery in deliveries:
            self._dispatch(delivery)

    def _dispatch(self, delivery: Delivery) -> None:
        self._since[id(delivery)] = (time.monotonic(), delivery)
        aggregate_id = delivery.subject.rpartition(".")[2]
        lane = self._lanes.get(aggregate_id)
        if lane is not None:
            lane.append(delivery)
            return
        self._lanes[aggregate_id] = deque((delivery,))
        task = asyncio.create_task(self._run_lane(aggregate_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run_lane(self, aggregate_id: str) -> None:
        lane = self._lanes[aggregate_id]
        try:
            while lane:
                delivery = lane[0]
                subject = first_subject(self._queue_group, delivery.subject)
                listener = self._by_subject.get(subject.rpartition(".")[0])
                if listener is None:
                    # Delivered before to a version of this service that still listened to it.
                    await delivery.ack()
                else:
                    await listener.receive(delivery, self._dead_letters)
                lane.popleft()
                self._forget(delivery)
        finally:
            for delivery in lane:
                self._forget(delivery)
            del self._lanes[aggregate_id]

    def _forget(self, delivery: Delivery) -> None:
        self._since.pop(id(delivery), None)
        self._room.set()

    async def _keep_alive(self) -> None:
        """Extends the ack deadline of deliveries that wait or run for longer than a third of it."""
        period = self.spec.ack_wait / 3
        while True:
            await asyncio.sleep(period)
            now = time.monotonic()
            for since, delivery in list(self._since.values()):
                if now - since >= period:
                    await delivery.in_progress()
