"""The event store beside the databases: a stream that lacks a version could not rebuild its record."""

from collections.abc import AsyncIterator, Callable

from infra.verify.reconcile.books import Books, batches
from infra.verify.reconcile.report import Report

CHECK = "the event store has every version"
AT_ONCE = 1_000_000
"""Events, and so records at most, that are held in memory in one pass over the stream."""

Read = Callable[[], AsyncIterator[str]]
"""The ids of all events, `<kind>.<what>:<record id>:<version>`, in the stream's order, from its start."""


async def check(books: Books, read: Read, events: int, report: Report) -> None:
    passes = events // AT_ONCE + 1
    for number in range(passes):
        last = await _last_versions(read, report, passes, number)
        for kind, database in (
            ("ticket", books.tickets),
            ("order", books.orders),
            ("payment", books.payments),
        ):
            async for records in batches(database[f"{kind}s"], "_id version"):
                for record in records:
                    if _turn(record["_id"], passes) == number:
                        reached = last.pop(_key(kind, record["_id"]), -1)
                        what = f"{kind} {record['_id']}: version stored / last in the stream"
                        report.equal(CHECK, what, record["version"], reached)
        for key, version in last.items():
            report.disagree(CHECK, f"{key.decode()}: no such record / version {version} in the stream")


async def _last_versions(read: Read, report: Report, passes: int, number: int) -> dict[bytes, int]:
    """The last version of each record whose turn it is. A repeated event is no news, a hole is."""
    last: dict[bytes, int] = {}
    async for event_id in read():
        subject, _, rest = event_id.partition(":")
        record_id, _, text = rest.partition(":")
        if not text or _turn(record_id, passes) != number:
            # What has no version is no record's change, as `expiration.complete`.
            continue
        key, version = _key(subject.partition(".")[0], record_id), int(text)
        reached = last.get(key, -1)
        if version > reached + 1:
            report.disagree(CHECK, f"{key.decode()}: version {reached + 1} expected / {event_id}")
        last[key] = max(version, reached)
    return last


def _key(kind: str, record_id: str) -> bytes:
    return f"{kind} {record_id}".encode()


def _turn(record_id: str, passes: int) -> int:
    return sum(record_id.encode()) % passes
