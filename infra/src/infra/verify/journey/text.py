"""The journey in words: a table of its steps, the present states, and what is waited for."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from common.persistence.mongo import Document
from infra.verify.journey.states import States, in_words
from infra.verify.journey.steps import Step, awaited, cause_of

LATE = timedelta(milliseconds=100)
"""A publication that took longer is named: its event waited in an outbox."""
DETAILS = ("orderId", "status", "endedBecause", "expiresAt", "deliverBy", "acceptBy", "stripeId", "amount")
"""Fields of events that are shown, where an event has them."""


def journey(order_id: str, steps: Sequence[Step], states: States, now: datetime) -> str:
    lines = [f"order {order_id}", "", *_table(order_id, steps), "", *_now(states), "", *_waits(steps, now)]
    return "\n".join(lines)


def _table(order_id: str, steps: Sequence[Step]) -> Iterator[str]:
    yield f"{'stored at (UTC)':24}{'since':>10}  {'event':24}{'by':11}{'request':34}"
    for number, step in enumerate(steps):
        since = step.at - steps[number - 1].at if number else timedelta()
        moment = f"{step.at:%Y-%m-%d %H:%M:%S}.{step.at.microsecond // 1000:03}"
        notes = "; ".join(filter(None, _notes(order_id, step, steps[:number])))
        line = f"{moment:24}{duration(since) if number else '':>10}  {step.name:24}{step.by:11}"
        yield f"{line}{step.request:34}{notes}".rstrip()


def _notes(order_id: str, step: Step, earlier: Sequence[Step]) -> Iterator[str]:
    cause = cause_of(step, earlier)
    if cause is not None:
        yield f"{duration(step.sealed_at - cause.sealed_at)} after {cause.name}"
    if step.late > LATE:
        yield f"{duration(step.late)} in the outbox"
    shown = {name: step.body[name] for name in DETAILS if step.body.get(name) is not None}
    yield ", ".join(f"{name} {value}" for name, value in shown.items() if value != order_id)


def _now(states: States) -> Iterator[str]:
    yield "now"
    records: list[tuple[str, str, Document | None]] = [
        ("orders", "order", states.order),
        ("tickets", "ticket", states.ticket),
        ("payments", "payment", states.payment),
        ("", "charge", states.charge),
    ]
    for service, kind, record in records:
        yield f"  {service:10}{kind:9}{in_words(kind, record)}"
    for intent in states.intents:
        yield f"  {'provider':10}{'intent':9}{in_words('intent', intent)}"
    for line in states.parked:
        yield f"  parked    {line}"


def _waits(steps: Sequence[Step], now: datetime) -> Iterator[str]:
    missing = awaited(steps)
    yield "waits" if missing else "waits for nothing"
    for step, words in missing:
        yield f"  {words}, for {duration(now - step.sealed_at)}"


def duration(time: timedelta) -> str:
    """`12 ms`, `4.1 s`, `15 min`, `2.0 h`, `3.5 d`."""
    seconds = time.total_seconds()
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    for unit, size, most in (("s", 1, 120), ("min", 60, 7_200), ("h", 3_600, 172_800)):
        if seconds < most:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds / 86_400:.1f} d"
