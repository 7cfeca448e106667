"""Requests for a link to reset a password, until they are worked off.

The answer to a request is decided by its address alone, after one write that is the same for every address:
whether the address has an account is looked up later, in the background. So the answer's time can't tell. Nor
can that of the next answer, which the work in the background may slow down: it begins at a random moment.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from auth.domain import Email
from auth.links import LIFETIMES, LinkKind
from common.base import times
from common.persistence.mongo import ASCENDING, Database, Index

LEASE = timedelta(minutes=1)
"""After a process ended in the middle of a request, until another one takes it."""
MOST_DELAY = timedelta(seconds=3)
"""Between a request and its work, at random."""


@dataclass(frozen=True, slots=True)
class ResetRequest:
    """due: Of the lease; proves at the end that no newer request came meanwhile."""

    email: Email
    due: datetime


class ResetRequests:
    """Documents `{_id: e-mail's key, email, due, expires_at}`: several of one address are one request."""

    indexes = (
        Index([("due", ASCENDING)], name="due"),
        Index([("expires_at", ASCENDING)], name="forgotten", expire_after=timedelta(0)),
    )

    def __init__(self, database: Database) -> None:
        self.documents = database["reset_requests"]

    async def prepare(self) -> None:
        await self.documents.create_indexes(self.indexes)

    async def put(self, email: Email) -> None:
        now = times.now()
        due = now + MOST_DELAY * secrets.randbelow(1001) / 1000
        content = {"email": email.address, "due": due, "expires_at": now + LIFETIMES[LinkKind.RESET]}
        await self.documents.update_one({"_id": email.key}, {"$set": content}, upsert=True)

    async def lease(self) -> ResetRequest | None:
        """Takes a request that is due, for LEASE; None without one."""
        now = times.now()
        document = await self.documents.find_one_and_update(
            {"due": {"$lte": now}}, {"$set": {"due": now + LEASE}}
        )
        if document is None:
            return None
        return ResetRequest(Email(document["email"], document["_id"]), document["due"])

    async def done(self, request: ResetRequest) -> None:
        """Deletes the request, unless a newer one of the address came meanwhile."""
        await self.documents.delete_one({"_id": request.email.key, "due": request.due})

    async def forget(self, email: Email) -> None:
        """Deletes the request of the address: no link is mailed to it."""
        await self.documents.delete_one({"_id": email.key})
