"""Replica of another service's records: applies each version once, in order."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from common.base.errors import DuplicateKey
from common.messaging.listener import NotYet
from common.persistence.batching import DocumentReader, DocumentWriter
from common.persistence.mongo import Collection, Document


class VersionGap(NotYet):
    """An earlier version has not arrived yet. The event is delivered again later."""


class Replica:
    """Documents `{_id, version, ...}` that follow their owner's versions 0, 1, 2 …"""

    def __init__(self, collection: Collection) -> None:
        self.documents = collection
        self._reader = DocumentReader(collection)
        self._writer = DocumentWriter(collection)

    async def find(self, record_id: str) -> Document | None:
        return await self._reader.find(record_id)

    async def apply(self, record_id: str, version: int, fields: Mapping[str, Any]) -> bool:
        """Sets `fields` if `version` is the next one; the check and the effect are one write.

        Returns True if this call applied it, and False for a version that was applied before. Raises
        VersionGap for a version that is early.
        """
        if version == 0:
            return await self._create(record_id, fields)
        query = {"_id": record_id, "version": version - 1}
        if await self._writer.update(query, {"$set": {**fields, "version": version}}):
            return True
        await self._require_past(record_id, version)
        return False

    async def in_order(
        self,
        record_id: str,
        version: int,
        effect: Callable[[], Awaitable[None]],
        fields: Mapping[str, Any] | None = None,
    ) -> bool:
        """Runs `effect` if `version` is the next one, then stores the version and `fields`.

        For an effect on a document other than the replica's. `effect` must be idempotent: a crash between
        the two runs it again. It never runs before an earlier version's effect.

        Returns False if another process stored this version or a later one, before or meanwhile. Then
        `effect` may have run after a later version's effect, and the caller has to restore the later state.
        """
        document = await self.find(record_id)
        reached = -1 if document is None else document["version"]
        if version <= reached:
            return False
        if version > reached + 1:
            raise VersionGap(f"{record_id} is at {reached}, not at {version - 1}")
        await effect()
        return await self.apply(record_id, version, fields or {})

    async def _create(self, record_id: str, fields: Mapping[str, Any]) -> bool:
        try:
            await self._writer.insert({"_id": record_id, **fields, "version": 0})
        except DuplicateKey:
            return False
        return True

    async def _require_past(self, record_id: str, version: int) -> None:
        document = await self.find(record_id)
        if document is None or document["version"] < version:
            raise VersionGap(f"{record_id} has not reached {version - 1}")
