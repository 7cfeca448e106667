"""Mails that wait in the outbox, as their recipients would read them."""

import asyncio
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from common.persistence.mongo import Database, Document

SECONDS = 10


@dataclass(frozen=True, slots=True)
class Mailbox:
    database: Database

    async def all(self, to: str, kind: str) -> list[Document]:
        """Oldest first."""
        query = {"to": to, "kind": kind}
        return list(await self.database["mails"].find(query, sort=[("at", 1), ("_id", 1)]))

    async def token(self, to: str, kind: str, number: int = 1) -> str:
        """Of the `number`-th mail of this kind, which is awaited."""
        async with asyncio.timeout(SECONDS):
            while len(found := await self.all(to, kind)) < number:
                await asyncio.sleep(0.01)
        path: str = found[number - 1]["data"]["path"]
        return parse_qs(urlsplit(path).query)["token"][0]
