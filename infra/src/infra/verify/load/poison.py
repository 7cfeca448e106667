"""Cost of poison messages: `python -m infra.verify.load.poison` prints the seconds with and without them.

Sends 5,000 messages to a listener with a real replica, over real servers. In the second run 50 of them are
poison: half are unreadable, half are refused by the listener at every delivery. Exits 1 unless the other
4,950 are all applied and the 50 are all dead letters.
"""

import asyncio
import logging
import os
import statistics
import sys
import time
from contextlib import suppress
from dataclasses import dataclass

import uvloop

from common.base.ids import new_id
from common.base.money import Money
from common.contract.events import TicketCreated
from common.contract.stream import MARKETPLACE
from common.messaging.consumer import Consumer
from common.messaging.dead_letters import DeadLetters
from common.messaging.jetstream.stream import JetStream
from common.messaging.listener import Listener
from common.messaging.publisher import Publisher
from common.persistence.mongo import Database, connect
from common.persistence.replica import Replica

MESSAGES, POISON = 5_000, 50
SIDE_BY_SIDE = 200
TIMEOUT = 60.0
ROUNDS = 3
QUEUE_GROUP = "poison-load"
REFUSED = "refused"


class CreatedListener(Listener[TicketCreated]):
    queue_group = QUEUE_GROUP

    def __init__(self, replica: Replica) -> None:
        self._replica = replica

    async def on_message(self, event: TicketCreated) -> None:
        if event.title == REFUSED:
            raise ValueError("poison")
        fields = {"title": event.title, "price_cents": event.price.cents, "user_id": event.user_id}
        await self._replica.apply(event.id, event.version, fields)


class CreatedPublisher(Publisher[TicketCreated], source="tickets"): ...


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds from the consumer's start until all valid messages were applied, and all poison was buried.

    Buried poison is stored as dead letters.
    """

    sound: int
    applied: float
    letters: int
    buried: float


async def publish(stream: JetStream, poison: int) -> None:
    """Publish the messages, with the poison evenly distributed."""
    publisher = CreatedPublisher(stream)
    every = MESSAGES // max(poison, 1)

    async def one(number: int) -> None:
        is_poison = poison > 0 and number % every == every // 2
        title = REFUSED if is_poison else "sound"
        event = TicketCreated(id=new_id(), version=0, title=title, price=Money(2000), user_id="seller")
        envelope = publisher.envelope(event, 0)
        data = b"{" if is_poison and number // every % 2 else envelope.data.encode()
        await stream.publish(envelope.subject, data, envelope.headers)

    for start in range(0, MESSAGES, SIDE_BY_SIDE):
        await asyncio.gather(*(one(number) for number in range(start, start + SIDE_BY_SIDE)))


async def run(stream: JetStream, database: Database, poison: int, number: int) -> Run:
    await publish(stream, poison)
    replica = Replica(database[f"tickets-{poison}-{number}"])
    consumer = Consumer(stream, [CreatedListener(replica)])
    sound = MESSAGES - poison
    started = time.perf_counter()
    task = asyncio.create_task(consumer.run())
    try:
        async with asyncio.timeout(TIMEOUT):
            while await replica.documents.count_documents({}) < sound:
                await asyncio.sleep(0.02)
            applied = time.perf_counter() - started
            while (letters := await count(stream)) < poison * number:
                await asyncio.sleep(0.1)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await consumer.drained()
    return Run(sound, applied, letters, time.perf_counter() - started)


async def count(stream: JetStream) -> int:
    return len([letter async for letter in DeadLetters(stream).letters(QUEUE_GROUP)])


async def measure(nats_url: str, mongo_uri: str) -> int:
    stream = JetStream(nats_url, QUEUE_GROUP, MARKETPLACE)
    database = connect(mongo_uri, f"poison-{new_id()}")
    await stream.connect()
    try:
        # Warm-up for connections and compiled code, not counted.
        await run(stream, database, 0, 0)
        rounds = [
            (await run(stream, database, 0, number), await run(stream, database, POISON, number))
            for number in range(1, ROUNDS + 1)
        ]
    finally:
        await database.drop()
        await database.close()
        await stream.close()
    clean, poisoned = (
        statistics.median(found.applied for found in runs) for runs in zip(*rounds, strict=True)
    )
    pace = (poisoned / (MESSAGES - POISON)) / (clean / MESSAGES)
    last = rounds[-1][1]
    print(f"without poison   {MESSAGES} applied in {clean:.2f} s (median of {ROUNDS})")
    print(f"with {POISON} poison   {last.sound} applied in {poisoned:.2f} s (median of {ROUNDS})")
    print(f"pace             {pace:.2f} times the seconds for each message")
    print(f"dead letters     {last.letters} in {ROUNDS} runs, the last after {last.buried:.2f} s")
    return 0 if last.letters == POISON * ROUNDS else 1


def main() -> int:
    if "TEST_NATS_URL" not in os.environ:
        python = [sys.executable, "-m"]
        os.execv(sys.executable, [*python, "infra.dev.testing", "--", *python, "infra.verify.load.poison"])
    # Each attempt at a poison message logs a warning with its traceback, which is expected here.
    logging.disable(logging.ERROR)
    return uvloop.run(measure(os.environ["TEST_NATS_URL"], os.environ["TEST_MONGO_URI"]))


if __name__ == "__main__":
    sys.exit(main())
