"""Steps of an order's journey: its events, and those of its ticket and of its payment that belong to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from common.base.tracing import REQUEST_ID, TRACEPARENT
from common.messaging.events import SOURCE
from common.messaging.stream import Stored

CAUSES: Mapping[str, Sequence[str]] = {
    "ticket.updated": ("order.created", "order.cancelled", "order.completed"),
    "order.updated": (
        *("payment.awaiting", "payment.captured", "payment.voided", "payment.refunded"),
        *("payment.disputed", "payout.made"),
    ),
    "order.completed": ("payment.created",),
    "order.cancelled": ("expiration.complete",),
    "order.accepted": ("deadline.passed",),
    "order.refunded": ("deadline.passed",),
    "payment.captured": ("order.completed",),
    "payment.voided": ("order.cancelled",),
    "payment.refunded": ("order.refunded",),
    "payout.made": ("order.accepted",),
}
"""Kinds of events that each kind may follow from; others follow from a request, or from a timer."""

AWAITED: Mapping[str, tuple[str, Sequence[str]]] = {
    "order.created": ("tickets", ("ticket.updated",)),
    "order.cancelled": ("tickets", ("ticket.updated",)),
    "payment.created": ("orders", ("order.completed", "order.cancelled")),
    "order.completed": ("payments", ("payment.captured",)),
    "order.refunded": ("payments", ("payment.refunded",)),
    "order.accepted": ("payments", ("payout.made",)),
}
"""For a kind of event the service that has to follow, and the kinds of its event, one of which comes."""


@dataclass(frozen=True, slots=True)
class Step:
    """sealed_at: When it was decided. at: When the stream stored it. trace, request: "" where it has none."""

    sequence: int
    kind: str
    by: str
    body: Mapping[str, Any]
    sealed_at: datetime
    at: datetime
    trace: str
    request: str

    @classmethod
    def of(cls, message: Stored) -> "Step":
        headers, stored_at = message.headers, message.at.astimezone(UTC)
        sealed = headers.get("ce-time")
        return cls(
            sequence=message.sequence,
            kind=message.subject.rpartition(".")[0],
            by=headers.get(SOURCE, "").removeprefix("/"),
            body=orjson.loads(message.data),
            sealed_at=stored_at if sealed is None else datetime.fromisoformat(sealed),
            at=stored_at,
            trace=headers.get(TRACEPARENT, "")[3:35],
            request=headers.get(REQUEST_ID, ""),
        )

    @property
    def name(self) -> str:
        version = self.body.get("version")
        return self.kind if version is None else f"{self.kind} v{version}"

    @property
    def late(self) -> timedelta:
        """How long the event was on its way into the stream."""
        return self.at - self.sealed_at


def of_order(order_id: str, steps: Sequence[Step]) -> list[Step]:
    """The steps in the stream's order, without those of the ticket that belong to other orders or to none."""
    found, is_held = list[Step](), False
    for step in sorted(steps, key=lambda step: step.sequence):
        if step.kind in ("ticket.updated", "ticket.withdrawn"):
            was_held, is_held = is_held, step.body.get("orderId") == order_id
            if not (was_held or is_held):
                continue
        found.append(step)
    return found


def cause_of(step: Step, earlier: Sequence[Step]) -> Step | None:
    """The latest earlier step that it may follow from."""
    kinds = CAUSES.get(step.kind, ())
    return next((one for one in reversed(earlier) if one.kind in kinds), None)


def awaited(steps: Sequence[Step]) -> list[tuple[Step, str]]:
    """Steps that a service has not followed yet, each with what is missing, in words."""
    missing = list[tuple[Step, str]]()
    for number, step in enumerate(steps):
        if step.kind not in AWAITED:
            continue
        service, kinds = AWAITED[step.kind]
        if not any(later.kind in kinds for later in steps[number + 1 :]):
            missing.append((step, f"{service}: no {' or '.join(kinds)} after {step.name}"))
    return missing
