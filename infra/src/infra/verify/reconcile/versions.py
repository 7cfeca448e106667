"""Comparison of the event store with the databases: a missing version prevents a rebuild of its record."""

from collections.abc import AsyncIterator, Callable, Mapping

from infra.verify.reconcile.books import Books, batches, by_id
from infra.verify.reconcile.report import Report

COMPLETE = "the event store has every version"
SAVED = "each event is one saved change"
CONFIRMED = "a confirmed change is stored"

KINDS = ("ticket", "order", "payment")
OF_PAYMENTS = "payout"
"""Kind of events that are changes of payments, too."""
SUBJECTS = tuple(f"{kind}.>" for kind in (*KINDS, OF_PAYMENTS))
AT_ONCE = 500_000
"""Events in memory during one pass over the stream."""

Read = Callable[[], AsyncIterator[tuple[str, bytes]]]
"""Each event's id, `<kind>.<change>:<record id>:<version>`, and its body, in the stream's order."""


async def check(books: Books, read: Read, events: int, report: Report) -> None:
    """Compare versions. `COMPLETE`: missing and late events; `SAVED`: events without a saved change."""
    passes = events // AT_ONCE + 1
    for number in range(passes):
        found = await _versions(read, report, passes, number)
        for kind, database in zip(KINDS, (books.tickets, books.orders, books.payments), strict=True):
            async for records in batches(database[f"{kind}s"], "_id version"):
                for record in records:
                    if _turn(record["_id"], passes) == number:
                        versions = found.pop(_key(kind, record["_id"]), {})
                        _compare(f"{kind} {record['_id']}", record["version"], versions, report)
        for key, versions in found.items():
            words = f"{key.decode()}: no such record / version {max(versions)} in the stream"
            report.disagree(SAVED, words)


async def confirmed(books: Books, acknowledged: Mapping[str, int], report: Report) -> None:
    """Check acknowledged versions.

    `acknowledged`: the latest version that a caller received, by the id of a ticket, an order or a payment.
    """
    stored = await by_id(books.tickets["tickets"], acknowledged, "_id version")
    stored |= await by_id(books.orders["orders"], acknowledged, "_id version")
    stored |= await by_id(books.payments["payments"], acknowledged, "_id version")
    for record_id, version in acknowledged.items():
        reached = stored[record_id]["version"] if record_id in stored else -1
        report.compared(CONFIRMED)
        if reached < version:
            report.disagree(CONFIRMED, f"{record_id}: version answered / stored: {version} / {reached}")


def _compare(name: str, version: int, versions: Mapping[int, int], report: Report) -> None:
    report.compared(COMPLETE, version + 1)
    report.compared(SAVED, len(versions))
    reached = max(versions, default=-1)
    if version != reached:
        check = COMPLETE if version > reached else SAVED
        report.disagree(check, f"{name}: version stored / last in the stream: {version} / {reached}")


async def _versions(read: Read, report: Report, passes: int, number: int) -> dict[bytes, dict[int, int]]:
    """Hash of each version's event, for the records of this pass.

    An event may be stored again, unchanged. A version that precedes an earlier version counts as a hole.
    """
    found: dict[bytes, dict[int, int]] = {}
    async for event_id, body in read():
        subject, _, rest = event_id.partition(":")
        record_id, _, text = rest.partition(":")
        if not text or _turn(record_id, passes) != number:
            continue
        kind = subject.partition(".")[0]
        key = _key("payment" if kind == OF_PAYMENTS else kind, record_id)
        version, digest = int(text), hash((event_id, body))
        versions = found.setdefault(key, {})
        expected = max(versions, default=-1) + 1
        if version > expected:
            report.disagree(COMPLETE, f"{key.decode()}: version {expected} expected / {event_id}")
        if versions.setdefault(version, digest) != digest:
            report.disagree(SAVED, f"{key.decode()}: two different events of version {version}")
    return found


def _key(kind: str, record_id: str) -> bytes:
    return f"{kind} {record_id}".encode()


def _turn(record_id: str, passes: int) -> int:
    return sum(record_id.encode()) % passes
