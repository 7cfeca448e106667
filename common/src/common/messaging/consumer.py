"""Runs a service's listeners on its durable consumer.

Messages of one aggregate run one after another, different aggregates side by side, at most `capacity` at a
time. Deliveries that take long are kept from being handed to another process. Parked messages come back into
the same lanes.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Coroutine, Sequence
from typing import Any

from common.base.errors import Unavailable
from common.base.logs import Repetitions
from common.messaging.dead_letters import DeadLetters
from common.messaging.listener import Listener
from common.messaging.outcomes import Outcomes
from common.messaging.parked_deliveries import ParkedDeliveries
from common.messaging.parking import Parking
from common.messaging.progress import Progress
from common.messaging.stream import ConsumerSpec, Delivery, Source, Stream, kind_of, retry_subject

log = logging.getLogger(__name__)

CAPACITY = 128
RETRY_SECONDS = 0.5
MOST_WORK = 2_000
"""Deliveries in progress, of all processes of the service."""
MOST_WORK_AND_WAITING = 20_000
"""Where nothing can be parked, what waits takes places among the work."""


class Consumer:
    def __init__(
        self,
        stream: Stream,
        listeners: Sequence[Listener[Any]],
        parking: Parking | None = None,
        capacity: int = CAPACITY,
    ) -> None:
        """
        listeners: Those of one service: all of one queue group, each event with one of them.
        parking: Where messages wait that can't be handled yet. Without it they wait in the consumer, among
            the work.
        """
        groups = {listener.queue_group for listener in listeners}
        if len(groups) != 1:
            raise ValueError(f"one queue group expected, not {sorted(groups)}")
        self._stream = stream
        self._by_kind = {str(kind.subject): listener for listener in listeners for kind in listener.events}
        self._queue_group = groups.pop()
        self._outcomes = Outcomes(self._queue_group, DeadLetters(stream), parking)
        self._progress = Progress(self._queue_group, stream)
        self.spec = ConsumerSpec(
            durable=self._queue_group,
            filter_subjects=(*(f"{kind}.*" for kind in self._by_kind), retry_subject(self._queue_group, ">")),
            max_ack_pending=MOST_WORK if parking is not None else MOST_WORK_AND_WAITING,
        )
        self._capacity = capacity
        self._lanes: dict[str, deque[Delivery]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._since: dict[int, tuple[float, Delivery]] = {}
        self._room = asyncio.Event()
        self._bound = False
        self._refusals = Repetitions()
        self._parked = (
            None
            if parking is None
            else ParkedDeliveries(
                self._queue_group, parking, stream, tuple(self._by_kind), self._dispatch, self._left
            )
        )

    @property
    def ready(self) -> bool:
        """Whether events are consumed: bound to the stream, and pending work gets done."""
        return self._bound and not self._progress.stalled

    async def run(self) -> None:
        """Consumes until cancelled. `drained` waits for the deliveries that are then in progress.

        Raises an ExceptionGroup if a part of it fails in an unexpected way: none stands still unseen.
        """
        source = await self._bind()
        self._bound = True
        try:
            async with asyncio.TaskGroup() as parts:
                for part in self._beside(source):
                    parts.create_task(part)
                while True:
                    await self._pull(source)
        finally:
            self._bound = False
            await source.close()

    async def drained(self) -> None:
        """Returns when no listener runs."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _beside(self, source: Source) -> Sequence[Coroutine[Any, Any, None]]:
        watching = self._progress.watch(source, lambda: len(self._since))
        parked = () if self._parked is None else (self._parked.run(),)
        return (self._keep_alive(), watching, *parked)

    async def _bind(self) -> Source:
        refusals = Repetitions()
        while True:
            try:
                return await self._stream.source(self.spec)
            except Unavailable as error:
                if refusals.is_due():
                    log.warning("consumer not declared yet", extra={"error": repr(error)})
                await asyncio.sleep(RETRY_SECONDS)

    async def _pull(self, source: Source) -> None:
        while self._left() <= 0:
            self._room.clear()
            await self._room.wait()
        try:
            deliveries = await source.pull(self._left())
        except Unavailable as error:
            if self._refusals.is_due():
                log.warning("nothing pulled", extra={"error": repr(error)})
            await asyncio.sleep(RETRY_SECONDS)
            return
        self._refusals.over()
        for delivery in deliveries:
            self._dispatch(delivery)

    def _left(self) -> int:
        """How many more deliveries may be in progress."""
        return self._capacity - len(self._since)

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
                await self._handle(delivery, aggregate_id)
                lane.popleft()
                self._forget(delivery)
        finally:
            for delivery in lane:
                self._forget(delivery)
            del self._lanes[aggregate_id]

    async def _handle(self, delivery: Delivery, aggregate_id: str) -> None:
        listener = self._by_kind.get(kind_of(self._queue_group, delivery.subject))
        if listener is None:
            await self._outcomes.unknown(delivery)
        elif await listener.receive(delivery, self._outcomes):
            self._progress.advanced()
            if self._parked is not None:
                self._parked.applied(aggregate_id)

    def _forget(self, delivery: Delivery) -> None:
        self._since.pop(id(delivery), None)
        if self._parked is not None:
            self._parked.left(delivery)
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
