"""Looks into the services' databases, which no service may do: whether they agree about the tickets."""

from collections.abc import Mapping, Sequence
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient

from infra.target import Target

State = tuple[int, int]
"""A ticket's version and its price in cents."""


class Databases:
    def __init__(self, target: Target) -> None:
        self._clients: list[Any] = [
            AsyncIOMotorClient(target.url(name)) for name in ("mongo_tickets", "mongo_orders")
        ]
        self._tickets, self._replica = (client.get_default_database()["tickets"] for client in self._clients)

    def close(self) -> None:
        for client in self._clients:
            client.close()

    async def in_tickets(self, ids: Sequence[str]) -> dict[str, State]:
        return await _states(self._tickets, {"_id": {"$in": list(ids)}})

    async def in_orders(self, ids: Sequence[str]) -> dict[str, State]:
        return await _states(self._replica, {"_id": {"$in": list(ids)}})

    async def of_seller(self, user_id: str) -> tuple[dict[str, State], dict[str, State]]:
        """Every ticket of the seller, as the tickets database and as the orders database has it."""
        query = {"user_id": user_id}
        return await _states(self._tickets, query), await _states(self._replica, query)


async def _states(collection: Any, query: Mapping[str, Any]) -> dict[str, State]:
    cursor = collection.find(query, {"version": 1, "price_cents": 1})
    return {found["_id"]: (found["version"], found["price_cents"]) async for found in cursor}
