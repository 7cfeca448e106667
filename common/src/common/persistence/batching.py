"""Reads and writes of single documents; those that come at the same time go in one command."""

from collections.abc import Mapping, Sequence

from common.persistence.coalescer import Coalescer
from common.persistence.mongo import Collection, Document


class DocumentReader:
    """Documents by `_id`; those asked for at the same time come in one query."""

    def __init__(self, collection: Collection, projection: Mapping[str, int] | None = None) -> None:
        self._collection = collection
        self._projection = projection
        self._reads: Coalescer[str, Document | None] = Coalescer(self._find)

    async def find(self, document_id: str) -> Document | None:
        """The document, shared by all callers of the same moment: not to be changed."""
        return await self._reads.submit(document_id)

    async def _find(self, ids: Sequence[str]) -> Sequence[Document | None]:
        if len(ids) == 1:
            return [await self._collection.find_one({"_id": ids[0]}, self._projection)]
        distinct = list(set(ids))
        query = {"_id": {"$in": distinct}}
        documents = await self._collection.find(query, self._projection, limit=len(distinct))
        found = {document["_id"]: document for document in documents}
        return [found.get(document_id) for document_id in ids]


class DocumentWriter:
    """Inserts and updates documents; those that come at the same time go in one command."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._inserts: Coalescer[Document, None] = Coalescer(self._insert)
        self._updates: Coalescer[tuple[Document, Document], bool] = Coalescer(self._update)

    async def insert(self, document: Document) -> None:
        """Raises DuplicateKey when a unique index has it already."""
        await self._inserts.submit(document)

    async def update(self, query: Document, change: Document) -> bool:
        """A guarded update: `query` names one document by its `_id`, in a state that `change` ends.

        Returns whether the document was in that state.
        """
        return await self._updates.submit((query, change))

    async def _update(self, updates: Sequence[tuple[Document, Document]]) -> Sequence[bool | Exception]:
        if len(updates) == 1:
            return [await self._collection.update_one(*updates[0])]
        return await self._collection.update_each(updates)

    async def _insert(self, documents: Sequence[Document]) -> Sequence[Exception | None]:
        if len(documents) == 1:
            await self._collection.insert_one(documents[0])
            return [None]
        refused = await self._collection.insert_each(documents)
        return [refused.get(place) for place in range(len(documents))]
