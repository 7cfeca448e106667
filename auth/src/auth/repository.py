"""Queries and indexes of the auth database."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from auth.domain import Email, Limits, User
from auth.errors import EmailInUse, SignedUpBefore
from auth.failed_sign_ins import FailedSignIns
from auth.mail.mails import Mails
from auth.sign_ups import SignUps
from common.base import times
from common.base.creation import Creation
from common.base.errors import DuplicateKey
from common.persistence.creations import ONE_PER_KEY, first_of, marked
from common.persistence.mongo import ASCENDING, Database, Document, Index


class UserRepository:
    """Users, as documents `{_id, email, email_key, password_hash, bounced?, creation?}`."""

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
            if await self.is_sent_again(creation):
                raise SignedUpBefore() from None
            raise EmailInUse() from None

    async def is_sent_again(self, creation: Creation | None) -> bool:
        """Whether this sign-up was sent before. Raises KeyReused where that was for another e-mail."""
        return await first_of(self.documents, creation, is_told=False) is not None

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

    async def note_bounce(self, user_id: str, address: str) -> None:
        """Notes that the mail server refused the address for good, if it still is the user's."""
        query = {"_id": user_id, "email": address}
        await self.documents.update_one(query, {"$set": {"bounced": {"address": address, "at": times.now()}}})

    async def note_delivery(self, user_id: str, address: str) -> None:
        """Forgets a bounce of the address: a mail to it was taken."""
        query = {"_id": user_id, "bounced.address": address}
        await self.documents.update_one(query, {"$unset": {"bounced": ""}})


def _user(document: Document) -> User:
    return User(
        id=document["_id"],
        email=Email(document["email"], document["email_key"]),
        password_hash=document["password_hash"],
    )


@dataclass(frozen=True, slots=True)
class Repositories:
    users: UserRepository
    failures: FailedSignIns
    sign_ups: SignUps
    mails: Mails

    @classmethod
    def over(cls, database: Database, limits: Limits) -> Self:
        return cls(
            UserRepository(database),
            FailedSignIns(database, limits),
            SignUps(database, limits.sign_ups_per_hour),
            Mails(database),
        )

    @property
    def all(self) -> Sequence[UserRepository | FailedSignIns | SignUps | Mails]:
        return [self.users, self.failures, self.sign_ups, self.mails]
