"""Slots: at most so many records of an owner at once, over all processes.

A record that counts carries a slot, a number from 1 to the limit, under a unique index over owner and slot.
So the index decides when the record is stored, also between concurrent processes. The index holds
only records that count: one that ends frees its slot by the same write, also one of a release that knows no
slots. Records that such a release stored have none, and don't count.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from common.base.errors import Conflict, DuplicateKey
from common.persistence.mongo import ASCENDING, Collection, Document, Index, Query

T = TypeVar("T")

FIELD = "slot"
TRIES = 20
LOOKED_AT = 128
"""Most slots of an owner that are looked at in the search for a free one."""


class SlotsTaken(Exception):
    """No slot is free. `taken`: Query of the records that have one, at most LOOKED_AT."""

    def __init__(self, taken: Document) -> None:
        super().__init__("all slots are taken")
        self.taken = taken


@dataclass(frozen=True, slots=True)
class Slots:
    """Slots of the records of one collection.

    name: Name of the index. owner: Field with the owner's id. counted: Matches the records that count.
    """

    name: str
    owner: str
    counted: Query

    @property
    def index(self) -> Index:
        return Index([(self.owner, ASCENDING), (FIELD, ASCENDING)], self.name, unique=True, where=self._held)

    @property
    def _held(self) -> Query:
        return {FIELD: {"$exists": True}, **self.counted}

    async def fill(
        self, documents: Collection, owner_id: str, limit: int, store: Callable[[int], Awaitable[T]]
    ) -> T:
        """The result of `store`, called with a slot of the owner's from 1 to `limit`.

        A slot is guessed first: an owner with few records costs no read. Raises SlotsTaken, Conflict after
        twenty lost races for a slot, and what `store` raises.

        Up to a limit of LOOKED_AT exactly `limit` records fit. Above, as many slots, chosen at random, are
        looked at: no record too many is stored, but an owner who has nearly all may be refused early.
        """
        slot = random.randint(1, limit)
        for _ in range(TRIES):
            try:
                return await store(slot)
            except DuplicateKey as refused:
                if refused.index != self.name:
                    raise
            slot = await self._free(documents, owner_id, limit)
        raise Conflict()

    async def _free(self, documents: Collection, owner_id: str, limit: int) -> int:
        looked_at = random.sample(range(1, limit + 1), min(limit, LOOKED_AT))
        query = {self.owner: owner_id, **self.counted, FIELD: {"$in": looked_at}}
        taken = await documents.find(query, {"_id": 0, FIELD: 1}, limit=len(looked_at))
        free = set(looked_at) - {document[FIELD] for document in taken}
        if not free:
            raise SlotsTaken(query)
        return random.choice(list(free))
