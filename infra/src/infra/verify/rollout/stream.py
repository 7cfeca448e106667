"""Looks at the broker: declarations that narrowed, and consumers with work left."""

import asyncio
import time
from collections.abc import Mapping

from nats.aio.client import Client
from nats.js.api import AckPolicy

from common.contract.stream import MARKETPLACE
from infra.verify.reconcile.report import Report

WIDER = "declarations only widen"
IDLE = "no consumer has work left"
IDLE_SECONDS = 10.0


class Declarations:
    """Subjects of the stream and filters of its consumers, as widest so far."""

    def __init__(self, broker: Client, report: Report) -> None:
        self._broker = broker
        self._report = report
        self._widest: dict[str, set[str]] = {}

    async def look(self, after: str) -> None:
        for name, subjects in (await declared(self._broker)).items():
            self._report.compared(WIDER)
            widest = self._widest.setdefault(name, set())
            if missing := widest - subjects:
                self._report.disagree(WIDER, f"{name}, after {after}: no longer {', '.join(sorted(missing))}")
            widest |= subjects


async def declared(broker: Client) -> Mapping[str, set[str]]:
    """Subjects of the stream, and filters of each of its consumers, by name."""
    context = broker.jetstream()
    stream = await context.stream_info(MARKETPLACE.name)
    found = {f"stream {MARKETPLACE.name}": set(stream.config.subjects or ())}
    for consumer in await context.consumers_info(MARKETPLACE.name):
        filters = consumer.config.filter_subjects or filter(None, [consumer.config.filter_subject])
        found[f"consumer {consumer.name}"] = set(filters)
    return found


async def idle(broker: Client, report: Report) -> None:
    """Check that no consumer has pending or unacknowledged messages, within ten seconds."""
    deadline = time.monotonic() + IDLE_SECONDS
    while (left := await _left(broker)) and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
    report.compared(IDLE)
    for name, (pending, unacknowledged) in left.items():
        report.disagree(IDLE, f"{name}: {pending} pending, {unacknowledged} not acknowledged")


async def _left(broker: Client) -> Mapping[str, tuple[int, int]]:
    """Of the consumers that acknowledge: a reader's outlives it for half a minute, where that is killed."""
    infos = await broker.jetstream().consumers_info(MARKETPLACE.name)
    workers = [info for info in infos if info.config.ack_policy != AckPolicy.NONE]
    counts = {info.name: (info.num_pending or 0, info.num_ack_pending or 0) for info in workers}
    return {name: count for name, count in counts.items() if any(count)}
