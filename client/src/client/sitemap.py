"""The tickets that the site map names: the newest ones on sale, remembered for a while."""

import asyncio
from collections.abc import Sequence

from client.api import Api

MAX_TICKETS = 500
SECONDS = 300.0
"""Age from which the tickets are asked for again, by MAX_TICKETS / PAGE calls of the tickets API."""
PAGE = 100


class NewestTickets:
    """Ids of the newest tickets on sale, at most MAX_TICKETS. One request at a time asks the API."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._ids: Sequence[str] = ()
        self._until = 0.0

    async def ids(self, api: Api) -> Sequence[str]:
        """Raises the error of the tickets API."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if now >= self._until:
                self._ids = await _newest(api)
                self._until = now + SECONDS
            return self._ids


async def _newest(api: Api) -> Sequence[str]:
    ids: list[str] = []
    query: dict[str, str] | None = {"limit": str(PAGE)}
    while query is not None and len(ids) < MAX_TICKETS:
        found = await api.tickets(query)
        ids += [ticket.id for ticket in found.items]
        query = None if found.following is None else dict(found.following)
    return ids[:MAX_TICKETS]
