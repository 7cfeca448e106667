"""Passkeys in the database: a part of their user's document, so that each change of them is one write."""

import secrets
from collections.abc import Mapping
from typing import Any

from auth.changes import Change
from auth.domain import User
from auth.generations import generation_of
from auth.passkeys.domain import MAX_PASSKEYS, Holder, Passkey
from auth.passkeys.errors import PasskeyKnown, TooManyPasskeys
from common.base import times
from common.base.errors import Conflict
from common.base.ids import new_id
from common.persistence.mongo import ASCENDING, Database, Document, Index

HANDLE_BYTES = 32


class PasskeyRepository:
    """Optional parts of a user's document: `passkey_handle`, unique, and at most MAX_PASSKEYS `passkeys`.

    A passkey is `{id, credential, public_key, sign_count, name, at, used_at?}`. It is found by the handle of
    its user and the credential's id together: a device that claims another's id gains nothing by it.
    """

    indexes = (Index([("passkey_handle", ASCENDING)], name="one_user_per_handle", unique=True, sparse=True),)

    def __init__(self, database: Database) -> None:
        self.documents = database["users"]

    async def prepare(self) -> None:
        await self.documents.create_indexes(self.indexes)

    async def holder(self, user_id: str) -> Holder | None:
        """The user's handle and passkeys; None without a user. Gives a handle to a user without one."""
        living = {"_id": user_id, "deleted_at": None}
        query = {**living, "passkey_handle": {"$exists": False}}
        fields = {"passkey_handle": 1, "passkeys": 1}
        document = await self.documents.find_one(living, fields)
        if document is not None and "passkey_handle" not in document:
            handle = secrets.token_urlsafe(HANDLE_BYTES)
            await self.documents.update_one(query, {"$set": {"passkey_handle": handle}})
            document = await self.documents.find_one(living, fields)
        return None if document is None else Holder(document["passkey_handle"], _passkeys(document))

    async def of_user(self, user_id: str) -> tuple[Passkey, ...]:
        """Oldest first."""
        document = await self.documents.find_one({"_id": user_id}, {"passkeys": 1})
        return () if document is None else _passkeys(document)

    async def of_claim(self, handle: str, credential: str) -> tuple[str, Passkey] | None:
        """A user's id and passkey; None for a pair that is unknown."""
        document = await self.documents.find_one({"passkey_handle": handle}, {"passkeys": 1})
        if document is None:
            return None
        found = (each for each in _passkeys(document) if each.credential == credential)
        return next(((document["_id"], passkey) for passkey in found), None)

    async def add(self, user: User, passkey: Passkey, change: Change) -> None:
        """Raises TooManyPasskeys, PasskeyKnown; Conflict where the password was changed meanwhile.

        One write decides: concurrent ones add no eleventh.
        """
        query = {
            "_id": user.id,
            "generation": generation_of(user),
            f"passkeys.{MAX_PASSKEYS - 1}": {"$exists": False},
            "passkeys.credential": {"$ne": passkey.credential},
        }
        stored = {"$push": {"passkeys": _stored(passkey), "changes": change.stored}}
        if await self.documents.update_one(query, stored):
            return
        present = await self.of_user(user.id)
        if any(each.credential == passkey.credential for each in present):
            raise PasskeyKnown()
        if len(present) >= MAX_PASSKEYS:
            raise TooManyPasskeys()
        raise Conflict()

    async def use(self, user_id: str, passkey: Passkey, sign_count: int) -> bool:
        """Stores the sign count and the time of a use.

        False, and no change, where the passkey was removed or used since it was read.
        """
        is_unchanged = {"id": passkey.id, "sign_count": passkey.sign_count}
        query = {"_id": user_id, "passkeys": {"$elemMatch": is_unchanged}}
        used = {"passkeys.$.sign_count": sign_count, "passkeys.$.used_at": times.now()}
        return bool(await self.documents.update_one(query, {"$set": used}))

    async def rename(self, user_id: str, passkey_id: str, name: str) -> bool:
        """False without the passkey."""
        query = {"_id": user_id, "passkeys.id": passkey_id}
        return bool(await self.documents.update_one(query, {"$set": {"passkeys.$.name": name}}))

    async def remove(self, user_id: str, passkey_id: str, change: Change) -> bool:
        """False, and no change, without the passkey: of concurrent calls, one succeeds."""
        query = {"_id": user_id, "passkeys.id": passkey_id}
        removal = {"$pull": {"passkeys": {"id": passkey_id}}, "$push": {"changes": change.stored}}
        return bool(await self.documents.update_one(query, removal))


def new_passkey(name: str, credential: str, public_key: str, sign_count: int) -> Passkey:
    return Passkey(
        id=new_id(),
        credential=credential,
        public_key=public_key,
        sign_count=sign_count,
        name=name,
        at=times.now(),
    )


def _stored(passkey: Passkey) -> Mapping[str, Any]:
    return {
        "id": passkey.id,
        "credential": passkey.credential,
        "public_key": passkey.public_key,
        "sign_count": passkey.sign_count,
        "name": passkey.name,
        "at": passkey.at,
    }


def _passkeys(document: Document) -> tuple[Passkey, ...]:
    """Ignores fields that a newer version added."""
    return tuple(
        Passkey(
            id=each["id"],
            credential=each["credential"],
            public_key=each["public_key"],
            sign_count=each["sign_count"],
            name=each["name"],
            at=each["at"],
            used_at=each.get("used_at"),
        )
        for each in document.get("passkeys", ())
    )
