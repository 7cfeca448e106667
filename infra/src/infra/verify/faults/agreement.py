"""Whether the event store and the databases tell the same story, change by change."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.verify.events import Recorded

Document = Mapping[str, Any]


@dataclass(slots=True)
class Verdict:
    """What is wrong, in words. `changes` is the number of saved changes that were looked at."""

    changes: int = 0
    lost: list[str] = field(default_factory=list)
    phantom: list[str] = field(default_factory=list)


def compare(records: Sequence[Document], events: Sequence[Recorded], told: Mapping[str, int]) -> Verdict:
    """Holds an owner's records beside its events; `told`: the versions that callers were told of, by id.

    A change without its event is lost, and so is one that its caller was told of and that isn't there. An
    event without its change is a phantom, and so is a second, different event of one version.
    """
    verdict = Verdict()
    by_id: dict[str, dict[int, Recorded]] = defaultdict(dict)
    versions = {record["_id"]: record["version"] for record in records}
    for event in events:
        first = by_id[event.aggregate_id].setdefault(event.version, event)
        if (first.kind, first.body) != (event.kind, event.body):
            verdict.phantom.append(
                f"{event.aggregate_id} has two different events of version {event.version}"
            )
        if event.version > versions.get(event.aggregate_id, -1):
            verdict.phantom.append(f"{event.kind} {event.aggregate_id}:{event.version} is no saved change")
    for record_id, version in versions.items():
        verdict.changes += version + 1
        missing = [number for number in range(version + 1) if number not in by_id[record_id]]
        verdict.lost.extend(f"{record_id}:{number} has no event" for number in missing)
    for record_id, version in told.items():
        if versions.get(record_id, -1) < version:
            verdict.lost.append(f"{record_id}:{version} was confirmed, and isn't there")
    return verdict


def out_of_order(events: Iterable[Recorded]) -> list[str]:
    """Events whose first copy is stored after that of a later version of the same record."""
    reached: dict[str, int] = {}
    seen: set[tuple[str, int]] = set()
    found = []
    for event in events:
        if (key := (event.aggregate_id, event.version)) in seen:
            continue
        seen.add(key)
        if event.version < reached.get(event.aggregate_id, -1):
            found.append(f"{event.kind} {event.aggregate_id}:{event.version} came late")
        reached[event.aggregate_id] = max(event.version, reached.get(event.aggregate_id, -1))
    return found


def unlike(tickets: Sequence[Document], replica: Sequence[Document]) -> list[str]:
    """Tickets that the replica of orders doesn't have as they are."""

    def state(document: Document) -> tuple[Any, ...]:
        return tuple(document.get(name) for name in ("version", "title", "price_cents", "order_id"))

    copies = {document["_id"]: state(document) for document in replica}
    return [f"{t['_id']} differs from its replica" for t in tickets if copies.get(t["_id"]) != state(t)]


def unheld(tickets: Sequence[Document], orders: Sequence[Document]) -> list[str]:
    """Tickets that are not held by the very order that keeps them, or held by one that has ended."""
    keepers = {order["reservation"]: order["_id"] for order in orders if order.get("reservation")}
    return [
        f"{ticket['_id']} is held by {ticket.get('order_id')}, not by {keepers.get(ticket['_id'])}"
        for ticket in tickets
        if ticket.get("order_id") != keepers.get(ticket["_id"])
    ]
