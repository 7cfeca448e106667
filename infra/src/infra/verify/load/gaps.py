"""Cost of gaps: `python -m infra.verify.load.gaps` measures 1,000 good events beside 5,000 that wait.

A gap is an event whose earlier version has not come. Real servers; a listener with a real replica. First the
good events alone, then 5,000 gaps until all are parked, good events again, then the missing versions. Exits 1
unless every gap is closed and no message is a dead letter.
"""

import asyncio
import logging
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import uvloop

from common.base.ids import new_id
from common.base.money import Money
from common.contract.events import TicketCreated, TicketUpdated
from common.contract.stream import MARKETPLACE
from common.messaging.consumer import Consumer
from common.messaging.jetstream.stream import JetStream
from common.messaging.listener import Listener
from common.messaging.publisher import Publisher
from common.persistence.mongo import Database, connect
from common.persistence.parked_messages import ParkedMessages
from common.persistence.replica import Replica

GOOD, GAPS = 1_000, 5_000
SIDE_BY_SIDE = 200
TIMEOUT = 120.0
QUEUE_GROUP = "gap-load"

TicketEvent = TicketCreated | TicketUpdated


class TicketListener(Listener[TicketEvent]):
    queue_group = QUEUE_GROUP

    def __init__(self, replica: Replica) -> None:
        self._replica = replica

    async def on_message(self, event: TicketEvent) -> None:
        await self._replica.apply(event.id, event.version, {"title": event.title})


class TicketPublisher(Publisher[TicketEvent], source="tickets"): ...


class Measurement:
    def __init__(self, stream: JetStream, database: Database) -> None:
        self._stream = stream
        self._publisher = TicketPublisher(stream)
        self._parked = ParkedMessages(database)
        self._tickets = database["tickets"]
        self._consumer = Consumer(stream, [TicketListener(Replica(self._tickets))], self._parked)

    async def run(self) -> None:
        await self._parked.prepare()
        consuming = asyncio.create_task(self._consumer.run())
        try:
            async with asyncio.timeout(TIMEOUT):
                await self._phases()
        finally:
            consuming.cancel()
            with suppress(asyncio.CancelledError):
                await consuming
            await self._consumer.drained()

    async def _phases(self) -> None:
        await self._good()  # Warm-up for connections and compiled code, not counted.
        alone = await self._good()
        memory = _peak_memory()
        waiting = [new_id() for _ in range(GAPS)]
        parked = await self._timed(1, waiting, self._are_parked(GAPS))
        beside = await self._good()
        closed = await self._timed(0, waiting, self._are_at(1, GAPS))
        released = await self._until(self._are_parked(0))
        print(f"{GOOD} good events alone            {alone:.2f} s")
        print(f"{GOOD} beside {GAPS} parked gaps     {beside:.2f} s, {beside / alone:.2f} times as long")
        print(f"{GAPS} gaps until all are parked    {parked:.2f} s")
        print(f"{GAPS} gaps closed                  {closed:.2f} s, the last released {released:.2f} s later")
        print(
            f"peak memory                       {memory} MB before the gaps, {_peak_memory()} MB at the end"
        )

    async def _good(self) -> float:
        ids = [new_id() for _ in range(GOOD)]
        have = await self._tickets.count_documents({"version": 0})
        return await self._timed(0, ids, self._are_at(0, have + GOOD))

    async def _timed(self, version: int, ids: Sequence[str], done: Callable[[], Awaitable[bool]]) -> float:
        started = time.perf_counter()
        for start in range(0, len(ids), SIDE_BY_SIDE):
            await asyncio.gather(
                *(self._publish(each, version) for each in ids[start : start + SIDE_BY_SIDE])
            )
        await self._until(done)
        return time.perf_counter() - started

    async def _publish(self, ticket_id: str, version: int) -> None:
        kind = TicketUpdated if version else TicketCreated
        event = kind(id=ticket_id, version=version, title="sound", price=Money(2000), user_id="seller")
        envelope = self._publisher.envelope(event, version)
        await self._stream.publish(envelope.subject, envelope.data.encode(), envelope.headers)

    async def _until(self, done: Callable[[], Awaitable[bool]]) -> float:
        started = time.perf_counter()
        while not await done():
            await asyncio.sleep(0.02)
        return time.perf_counter() - started

    def _are_at(self, version: int, count: int) -> Callable[[], Awaitable[bool]]:
        async def reached() -> bool:
            return await self._tickets.count_documents({"version": version}) >= count

        return reached

    def _are_parked(self, count: int) -> Callable[[], Awaitable[bool]]:
        async def reached() -> bool:
            return await self._parked.count() == count

        return reached


def _peak_memory() -> int:
    """Of this process, in MB: `ru_maxrss` counts kilobytes on Linux."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


async def measure(nats_url: str, mongo_uri: str) -> int:
    stream = JetStream(nats_url, QUEUE_GROUP, MARKETPLACE)
    database = connect(mongo_uri, f"gaps-{new_id()}")
    await stream.connect()
    try:
        await Measurement(stream, database).run()
        letters = await stream.count(f"dead.{QUEUE_GROUP}.>", dead_letters=True)
    finally:
        await database.drop()
        await database.close()
        await stream.close()
    print(f"dead letters                      {letters}")
    return 0 if letters == 0 else 1


def main() -> int:
    if "TEST_NATS_URL" not in os.environ:
        python = [sys.executable, "-m"]
        os.execv(sys.executable, [*python, "infra.dev.testing", "--", *python, "infra.verify.load.gaps"])
    logging.disable(logging.ERROR)
    return uvloop.run(measure(os.environ["TEST_NATS_URL"], os.environ["TEST_MONGO_URI"]))


if __name__ == "__main__":
    sys.exit(main())
