"""The services' databases, read in batches, so that memory use does not depend on their size."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

from common.persistence.mongo import ASCENDING, Collection, Database, Document

BATCH = 500
TICKET, ORDER = (
    "_id version title price_cents details user_id order_id sold withdrawn",
    "_id version user_id status",
)
"""Fields to compare."""


@dataclass(frozen=True, slots=True)
class Books:
    tickets: Database
    orders: Database
    payments: Database


async def batches(
    collection: Collection, fields: str, size: int = BATCH
) -> AsyncIterator[Sequence[Document]]:
    """Batches of every document, in the order of `_id`; `fields` are separated by spaces."""
    projection, after = dict.fromkeys(fields.split(), 1), ""
    while True:
        query = {"_id": {"$gt": after}} if after else {}
        found = await collection.find(query, projection, sort=[("_id", ASCENDING)], limit=size)
        if found:
            yield found
        if len(found) < size:
            return
        after = found[-1]["_id"]


async def by_id(collection: Collection, ids: Iterable[str], fields: str) -> dict[str, Document]:
    wanted = sorted(set(ids))
    found = await collection.find({"_id": {"$in": wanted}}, dict.fromkeys(fields.split(), 1))
    return {document["_id"]: document for document in found}


async def grouped(
    collection: Collection, field: str, values: Iterable[str], fields: str
) -> dict[str, list[Document]]:
    """Documents whose `field` is one of the values, grouped by that value."""
    groups: dict[str, list[Document]] = {}
    query = {field: {"$in": sorted(set(values))}}
    for document in await collection.find(query, dict.fromkeys(fields.split(), 1)):
        groups.setdefault(document[field], []).append(document)
    return groups


def ids_of(documents: Sequence[Document], field: str = "_id") -> list[str]:
    return [document[field] for document in documents]
