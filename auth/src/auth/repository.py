"""Queries and indexes of the auth database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from auth.changes import KINDS, Change
from auth.domain import Email, Limits, User
from auth.errors import EmailInUse, SignedUpBefore
from auth.failed_sign_ins import FailedSignIns
from auth.generations import generation_of
from auth.links import Links
from auth.mail.languages import ENGLISH
from auth.mail.mails import Mails
from auth.mail_requests import MailRequests
from auth.passkeys.challenges import SpentChallenges
from auth.passkeys.repository import PasskeyRepository
from auth.reset_requests import ResetRequests
from auth.sign_ups import SignUps
from common.base import times
from common.base.creation import Creation
from common.base.errors import DuplicateKey
from common.persistence.creations import ONE_PER_KEY, first_of, marked
from common.persistence.mongo import ASCENDING, Database, Document, Index, Query
from common.runtime.service import HasIndexes

UNFINISHED_AFTER = timedelta(minutes=1)
BATCH = 50


class UserRepository:
    """Users, as documents `{_id, email, email_key, password_hash}`.

    Optional: `confirmed, generation, changes, language, language_chosen, notices, bounced, creation`,
    and those of `PasskeyRepository`. A deleted user has `deleted_at` (`deletions.py`), and is not found.
    A user of the release before is not confirmed, and of generation 0.
    """

    indexes = (
        # This index alone guarantees that an e-mail address has one user.
        Index([("email_key", ASCENDING)], name="one_user_per_email", unique=True),
        ONE_PER_KEY,
        Index([("changes.at", ASCENDING)], name="unfinished_changes", sparse=True),
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
            "language": user.language,
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
        """None also for a deleted one."""
        document = await self.documents.find_one(_living(user_id))
        return None if document is None else _user(document)

    async def replace_hash(self, user: User, password_hash: str) -> None:
        """Replaces the hash. Does nothing if the stored hash changed after `user` was read."""
        await self.documents.update_one(
            {"_id": user.id, "password_hash": user.password_hash}, {"$set": {"password_hash": password_hash}}
        )

    async def set_language(self, user: User, language: str) -> None:
        """Sets the language of the user's mails, unless the user chose one."""
        query = {**_living(user.id), "language_chosen": {"$ne": True}}
        await self.documents.update_one(query, {"$set": {"language": language}})

    async def choose_mails(self, user_id: str, language: str, *, notices: bool) -> bool:
        """Sets the language of the user's mails, and whether notices are sent. False without such a user."""
        chosen = {"language": language, "language_chosen": True, "notices": notices}
        return await self.documents.update_one(_living(user_id), {"$set": chosen})

    async def turn_notices_off(self, user_id: str) -> None:
        await self.documents.update_one(_living(user_id), {"$set": {"notices": False}})

    async def generation_of(self, email: Email) -> int:
        """Of the account of this e-mail; 0 without one."""
        document = await self.documents.find_one({"email_key": email.key}, {"generation": 1})
        return 0 if document is None else document.get("generation", 0)

    async def confirm(self, user: User) -> User | None:
        """Marks the user's address as confirmed; None where it is another one by now."""
        query = {"_id": user.id, "email_key": user.email.key}
        return await self._changed(query, {"$set": {"confirmed": True}})

    async def change_password(self, user: User, password_hash: str, change: Change) -> User | None:
        """None, and no change, where the stored hash changed after `user` was read."""
        query = {"_id": user.id, "password_hash": user.password_hash}
        return await self._changed(query, _new_password(password_hash, change))

    async def reset_password(self, user: User, password_hash: str, change: Change) -> User | None:
        """Sets the password, confirms the address and removes the passkeys, of which one may be a stranger's.

        None, and no change, where the address or the generation changed after `user` was read. The hash may
        have changed: a sign-in replaces one of older parameters.
        """
        query = {"_id": user.id, "email_key": user.email.key, "generation": generation_of(user)}
        new = _new_password(password_hash, change, confirmed=True) | {"$unset": {"passkeys": ""}}
        return await self._changed(query, new)

    async def change_email(self, user: User, email: Email, change: Change) -> User | None:
        """Sets the address, as a confirmed one. Raises EmailInUse.

        None, and no change, where the address or the generation changed after `user` was read.
        """
        query = {"_id": user.id, "email_key": user.email.key, "generation": generation_of(user)}
        new = {"email": email.address, "email_key": email.key, "confirmed": True}
        try:
            return await self._changed(query, {"$set": new, "$push": {"changes": change.stored}})
        except DuplicateKey:
            raise EmailInUse() from None

    async def finish(self, user: User, change: Change) -> None:
        """Forgets a change whose consequences have followed."""
        await self.documents.update_one({"_id": user.id}, {"$pull": {"changes": {"id": change.id}}})

    async def unfinished(self) -> Sequence[tuple[User, Change]]:
        """Changes of at least UNFINISHED_AFTER ago that still wait, of at most BATCH users."""
        query = {"changes.at": {"$lte": times.now() - UNFINISHED_AFTER}}
        found = await self.documents.find(query, limit=BATCH)
        return [
            (_user(each), Change.restored(change))
            for each in found
            for change in each["changes"]
            if change["kind"] in KINDS
        ]

    async def note_bounce(self, user_id: str, address: str) -> None:
        """Notes that the mail server refused the address for good, if it still is the user's."""
        query = {"_id": user_id, "email": address}
        await self.documents.update_one(query, {"$set": {"bounced": {"address": address, "at": times.now()}}})

    async def note_delivery(self, user_id: str, address: str) -> None:
        """Forgets a bounce of the address: a mail to it was taken."""
        query = {"_id": user_id, "bounced.address": address}
        await self.documents.update_one(query, {"$unset": {"bounced": ""}})

    async def _changed(self, query: Query, change: Document) -> User | None:
        document = await self.documents.find_one_and_update(query, change)
        return None if document is None else _user(document)


def _living(user_id: str) -> Document:
    return {"_id": user_id, "deleted_at": None}


def _new_password(password_hash: str, change: Change, **others: bool) -> Document:
    return {
        "$set": {"password_hash": password_hash, **others},
        "$inc": {"generation": 1},
        "$push": {"changes": change.stored},
    }


def _user(document: Document) -> User:
    return User(
        id=document["_id"],
        email=Email(document["email"], document["email_key"]),
        password_hash=document["password_hash"],
        confirmed=document.get("confirmed", False),
        generation=document.get("generation", 0),
        language=document.get("language", ENGLISH),
        bounced=document.get("bounced", {}).get("address") == document["email"],
        notices=document.get("notices", True),
    )


@dataclass(frozen=True, slots=True)
class Repositories:
    users: UserRepository
    failures: FailedSignIns
    sign_ups: SignUps
    mails: Mails
    links: Links
    reset_requests: ResetRequests
    mail_requests: MailRequests
    passkeys: PasskeyRepository
    spent_challenges: SpentChallenges

    @classmethod
    def over(cls, database: Database, limits: Limits) -> Self:
        return cls(
            UserRepository(database),
            FailedSignIns(database, limits),
            SignUps(database, limits.sign_ups_per_hour),
            Mails(database),
            Links(database),
            ResetRequests(database),
            MailRequests(database, limits),
            PasskeyRepository(database),
            SpentChallenges(database),
        )

    @property
    def all(self) -> Sequence[HasIndexes]:
        return [
            self.users,
            self.failures,
            self.sign_ups,
            self.mails,
            self.links,
            self.reset_requests,
            self.mail_requests,
            self.passkeys,
            self.spent_challenges,
        ]
