"""Deleted accounts in the database: a user's document without what names the person."""

from datetime import datetime

from auth.changes import Change
from auth.domain import User
from auth.generations import generation_of
from common.base.errors import DuplicateKey
from common.contract.events import UserDeleted
from common.messaging.publisher import Publishers
from common.persistence.mongo import Database, Document, Query
from common.persistence.outbox import OUTBOX_INDEX, Relay, entry_of

KEPT = frozenset(
    (
        *("_id", "version", "outbox", "generation", "changes", "deleted_at"),
        *("email", "email_key", "password_hash"),
    )
)
"""Fields of a deleted user; the last three are there for the release before, and name no person."""
ERASED = (
    *("confirmed", "language", "language_chosen", "notices", "bounced", "creation"),
    *("passkeys", "passkey_handle"),
)


class Deletions:
    """Deleted users, as documents `{_id, version, email, email_key, password_hash, generation, deleted_at}`.

    Optional: `changes`, until what follows is done, and `outbox`.
    """

    indexes = (OUTBOX_INDEX,)

    def __init__(self, database: Database, publishers: Publishers) -> None:
        self.documents = database["users"]
        self.relay = Relay(self.documents, publishers)
        self._publishers = publishers

    async def prepare(self) -> None:
        await self.documents.create_indexes(self.indexes)

    async def delete(self, user: User, change: Change) -> bool:
        """Erases the user and stores the event, in one write. The e-mail is free for a new account at once.

        False, and no change, where the address or the password changed after `user` was read.
        """
        query = {
            "_id": user.id,
            "email_key": user.email.key,
            "generation": generation_of(user),
            "deleted_at": None,
        }
        stored = await self.documents.find_one(query)
        if stored is None:
            return False
        version = stored.get("version", 0)
        event = UserDeleted(id=user.id, version=version + 1)
        entry = entry_of(self._publishers.of(event).envelope(event, event.version))
        erased = _erased(event, change.at, stored) | {"$push": {"outbox": entry}}
        erased["$set"]["changes"] = [change.stored]
        if not await self.documents.update_one(query | {"version": version or {"$in": [None, 0]}}, erased):
            return False
        self.relay.wake(user.id, [entry])
        return True

    async def delete_again(self, event: UserDeleted, change: Change) -> bool:
        """Erases a user that a restored backup brought back, or lacks. False if it is deleted as it is."""
        query: Query = {"_id": event.id, "deleted_at": None}
        stored = await self.documents.find_one({"_id": event.id})
        if stored is not None and "deleted_at" in stored:
            return False
        erased = _erased(event, change.at, stored or {})
        erased["$set"]["changes"] = [change.stored]
        try:
            await self.documents.update_one(query, erased, upsert=True)
        except DuplicateKey:
            return False
        return True

    async def forget_address(self, user_id: str, change: Change) -> None:
        """Erases the address to which the notice of the deletion was mailed."""
        query = {"_id": user_id, "changes.id": change.id}
        await self.documents.update_one(query, {"$set": {"changes.$.to": ""}})


def _erased(event: UserDeleted, at: datetime, stored: Document) -> Document:
    """The update that leaves only KEPT, also where a newer release stored fields of its own."""
    nowhere = address_of(event.id)
    return {
        "$set": {
            "email": nowhere,
            "email_key": nowhere,
            "password_hash": "",
            "version": event.version,
            "deleted_at": at,
        },
        "$unset": dict.fromkeys({*ERASED, *stored} - KEPT, ""),
        "$inc": {"generation": 1},
    }


def address_of(user_id: str) -> str:
    """A deleted user's address: no mail reaches it, and no account can have it (RFC 2606).

    The unique index needs one of each user, and the release before reads it.
    """
    return f"{user_id}@deleted.invalid"
