"""Versions and prices of some tickets, read every few milliseconds, to time their arrival in orders.

`reconcile` compares all data, which takes longer and includes other users' unfinished requests.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from common.persistence.mongo import Collection, connect
from infra.verify.target import Target

State = tuple[int, int]
"""A ticket's version and its price in cents."""
WAIT_SECONDS = 30.0
"""Seconds; long enough for a killed server to restart."""


class Databases:
    def __init__(self, target: Target) -> None:
        self._databases = [
            connect(target.url(f"mongo_{name}"), name, wait_seconds=WAIT_SECONDS)
            for name in ("tickets", "orders")
        ]
        self._tickets, self._replica = (database["tickets"] for database in self._databases)

    async def aclose(self) -> None:
        for database in self._databases:
            await database.close()

    async def in_tickets(self, ids: Sequence[str]) -> dict[str, State]:
        return await _states(self._tickets, {"_id": {"$in": list(ids)}})

    async def in_orders(self, ids: Sequence[str]) -> dict[str, State]:
        return await _states(self._replica, {"_id": {"$in": list(ids)}})

    async def of_seller(self, user_id: str) -> tuple[dict[str, State], dict[str, State]]:
        """Every ticket of the seller: first from the tickets database, then from the orders database."""
        query = {"user_id": user_id}
        return await _states(self._tickets, query), await _states(self._replica, query)


async def _states(collection: Collection, query: Mapping[str, Any]) -> dict[str, State]:
    documents = await collection.find(query, {"version": 1, "price_cents": 1})
    return {found["_id"]: (found["version"], found["price_cents"]) for found in documents}
