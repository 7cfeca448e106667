"""Queries and indexes of the auth database."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Self

from auth.domain import PER_ADDRESS, PER_EMAIL, WINDOW, Email, Limit, User
from auth.errors import EmailInUse, SignedUpBefore
from common.base import times
from common.base.creation import Creation
from common.base.errors import DuplicateKey
from common.persistence.creations import ONE_PER_KEY, first_of, marked
from common.persistence.mongo import ASCENDING, Database, Document, Index


class UserRepository:
    """Users, as documents `{_id, email, email_key, password_hash, creation?}`."""

    indexes = (
        # This index alone guarantees that an e-mail address has one user.
        Index([("email_key", ASCENDING)], name="one_user_per_email", unique=True),
        ONE_PER_KEY,
    )

    def __init__(self, database: Database) -> None:
        self.documents = database["users"]

    async def prepare(self) -> None:
        await self.documents.create_indexes(self.indexes)

    async def add(self, user: User, creation: Creation | None = None) -> None:
        """Stores a new user. Of several concurrent calls with one e-mail, or with one key, one succeeds.

        Raises SignedUpBefore for a creation whose key was sent before, KeyReused where that was for another
        e-mail, EmailInUse otherwise.
        """
        document = {
            "_id": user.id,
            "email": user.email.address,
            "email_key": user.email.key,
            "password_hash": user.password_hash,
            **marked(creation),
        }
        try:
            await self.documents.insert_one(document)
        except DuplicateKey:
            if await first_of(self.documents, creation, is_told=False) is not None:
                raise SignedUpBefore() from None
            raise EmailInUse() from None

    async def of_email(self, email: Email) -> User | None:
        document = await self.documents.find_one({"email_key": email.key})
        return None if document is None else _user(document)

    async def of_id(self, user_id: str) -> User | None:
        document = await self.documents.find_one({"_id": user_id})
        return None if document is None else _user(document)

    async def replace_hash(self, user: User, password_hash: str) -> None:
        """Replaces the hash. Does nothing if the stored hash changed after `user` was read."""
        await self.documents.update_one(
            {"_id": user.id, "password_hash": user.password_hash}, {"$set": {"password_hash": password_hash}}
        )


def _user(document: Document) -> User:
    return User(
        id=document["_id"],
        email=Email(document["email"], document["email_key"]),
        password_hash=document["password_hash"],
    )


@dataclass(frozen=True, slots=True)
class Attempt:
    """Keys under which failures are counted.

    Each key is a hash, because the client chooses the text and its length.
    """

    from_address: str
    of_email: str

    @classmethod
    def of(cls, email: Email, address: str) -> Self:
        return cls(from_address=_digest(email.key, address), of_email=_digest(email.key))


class FailedSignIns:
    """Failed sign-ins, as documents `{_id: key, at: the latest failures' times, expires_at}`.

    All processes share the documents.

    A TTL index deletes a document within a minute after `expires_at`; the code doesn't rely on that minute.
    """

    indexes = (Index([("expires_at", ASCENDING)], name="forgotten", expire_after=timedelta(0)),)

    def __init__(self, database: Database) -> None:
        self.documents = database["failed_sign_ins"]

    async def prepare(self) -> None:
        await self.documents.create_indexes(self.indexes)

    async def wait(self, attempt: Attempt) -> timedelta:
        """Time until the attempt is allowed; zero if it is allowed now."""
        now = times.now()
        limits = _limits(attempt)
        # A query by id only. With a condition on `expires_at`, the database could choose that field's index,
        # which grows long during an attack.
        found = await self.documents.find({"_id": {"$in": list(limits)}}, limit=len(limits))
        live = (document for document in found if document["expires_at"] > now)
        waits = (limits[document["_id"]].wait(document["at"], now) for document in live)
        return max(waits, default=timedelta(0))

    async def add(self, attempt: Attempt) -> None:
        await asyncio.gather(*(self._push(key, limit) for key, limit in _limits(attempt).items()))

    async def forget(self, attempt: Attempt) -> None:
        """Deletes the failures of the e-mail from this address. The count over all addresses remains."""
        await self.documents.delete_one({"_id": attempt.from_address})

    async def _push(self, key: str, limit: Limit) -> None:
        now = times.now()
        change: Document = {
            "$push": {"at": {"$each": [now], "$slice": -limit.failures}},
            "$set": {"expires_at": now + WINDOW},
        }
        # Of several concurrent first failures, one inserts the document. The database server repeats the
        # others as updates.
        await self.documents.update_one({"_id": key}, change, upsert=True)


def _limits(attempt: Attempt) -> dict[str, Limit]:
    return {attempt.from_address: PER_ADDRESS, attempt.of_email: PER_EMAIL}


def _digest(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Repositories:
    users: UserRepository
    failures: FailedSignIns

    @classmethod
    def over(cls, database: Database) -> Self:
        return cls(UserRepository(database), FailedSignIns(database))

    @property
    def all(self) -> Sequence[UserRepository | FailedSignIns]:
        return [self.users, self.failures]
