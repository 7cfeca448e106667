"""Query plans as executed: the index, the keys and documents read, a sort in memory.

Read from MongoDB's profiler, not from `explain`:
https://www.mongodb.com/docs/manual/reference/database-profiler/
"""

import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import getmembers, iscoroutinefunction
from itertools import islice
from typing import TypeVar

from common.persistence.aggregate import Aggregate
from common.persistence.mongo import Collection, Database, Document
from common.persistence.repository import Repository

A = TypeVar("A", bound=Aggregate)

BATCH = 5_000
Queries = Mapping[str, Callable[[], Awaitable[object]]]
"""Calls by `repository.method`; behind a space, what tells several of one method apart."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One operation of the driver's: `keys` and `documents` were examined, `returned` or changed."""

    operation: str
    index: str
    keys: int
    documents: int
    returned: int
    sorts: bool

    def faults(self, most: int) -> list[str]:
        """In words; a plan that examines more than `most` keys or documents has one."""
        found = []
        if "COLLSCAN" in self.index:
            found.append("scans the collection")
        if self.sorts:
            found.append("sorts in memory")
        if max(self.keys, self.documents) > most:
            found.append(f"examines {self.keys} keys and {self.documents} documents for {self.returned}")
        return found


async def faults_of(database: Database, queries: Queries, most: int = 500) -> list[str]:
    """Runs each query, prints its plans as a table, and returns what is wrong with any of them."""
    found = []
    for name, query in queries.items():
        plans = await _plans(database, query)
        if not plans:
            found.append(f"{name}: asks the database nothing")
        for plan in plans:
            sys.stdout.write(
                f"{name:44} {plan.operation:10} {plan.keys:6} keys {plan.documents:6} documents"
                f" {plan.returned:4} returned  {'SORT ' if plan.sorts else ''}{plan.index}\n"
            )
            found += [f"{name}: {plan.operation} {fault}" for fault in plan.faults(most)]
    return found


async def _plans(database: Database, query: Callable[[], Awaitable[object]]) -> Sequence[Plan]:
    profile = database["system.profile"]
    await database.command({"profile": 0})
    await profile.drop()
    await database.command({"profile": 2})
    try:
        await query()
    finally:
        await database.command({"profile": 0})
    entries = await profile.find({"ns": {"$ne": f"{database.name}.system.profile"}}, sort=[("ts", 1)])
    return [_plan(entry) for entry in entries if "planSummary" in entry]


def _plan(entry: Document) -> Plan:
    return Plan(
        operation=entry["op"] if entry["op"] != "command" else next(iter(entry["command"])),
        index=entry["planSummary"],
        keys=entry.get("keysExamined", 0),
        documents=entry.get("docsExamined", 0),
        returned=next(
            (entry[count] for count in ("nreturned", "nModified", "ndeleted") if count in entry), 0
        ),
        sorts=entry.get("hasSortStage", False),
    )


async def fill(collection: Collection, documents: Iterable[Document]) -> None:
    """Stores them without asking anybody's rules."""
    waiting = iter(documents)
    while batch := list(islice(waiting, BATCH)):
        await collection.insert_many(batch, ordered=False)


def stored(repository: Repository[A], aggregates: Iterable[A]) -> Iterator[Document]:
    """The documents that the repository keeps of these aggregates, their events published."""
    for aggregate in aggregates:
        state = repository.to_document(aggregate)
        present = {field: value for field, value in state.items() if value is not None}
        yield {"_id": aggregate.id, "version": aggregate.version, **present, "outbox": []}


def missing(queries: Iterable[str], **repositories: object) -> set[str]:
    """The public coroutine methods of the repositories, as `repository.method`, that no query calls.

    `prepare`, which creates the indexes, is none of a request's.
    """
    methods = {
        f"{name}.{method}"
        for name, repository in repositories.items()
        for method, _ in getmembers(type(repository), iscoroutinefunction)
        if not method.startswith("_") and method != "prepare"
    }
    return methods - {query.partition(" ")[0] for query in queries}
