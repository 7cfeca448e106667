"""One-time links that are mailed to a user: each proves that its bearer reads a mailbox.

A link's token is 256 random bits. Only its hash is stored, so that a copy of the database opens no account.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType

from auth.domain import Email, User
from auth.errors import LinkInvalid
from common.base import times
from common.persistence.mongo import ASCENDING, Database, Document, Index

TOKEN_BYTES = 32


class LinkKind(StrEnum):
    CONFIRM = "confirm"
    RESET = "reset"
    ADDRESS_CHANGE = "address-change"


LIFETIMES = MappingProxyType(
    {
        LinkKind.CONFIRM: timedelta(hours=24),
        LinkKind.RESET: timedelta(minutes=15),
        LinkKind.ADDRESS_CHANGE: timedelta(hours=24),
    }
)


@dataclass(frozen=True, slots=True)
class Link:
    """email: The address that it was mailed to. hash: Of its token, 64 hex digits.

    generation: Of the account when it was made. A change of the password ends the links from before it.
    """

    kind: LinkKind
    user_id: str
    email: Email
    generation: int
    hash: str

    def is_for(self, user: User) -> bool:
        """Whether the account has the same password still, and the address that the link proves."""
        is_of_address = self.kind is LinkKind.ADDRESS_CHANGE or self.email.key == user.email.key
        return is_of_address and self.generation == user.generation


@dataclass(frozen=True, slots=True)
class Issued:
    """A new link. id: Name of this link that is no secret. ends: When it stops working."""

    id: str
    token: str
    ends: datetime


class Links:
    """Links: `{_id: "<kind>:<user>", kind, user_id, generation, email, email_key, hash, expires_at}`.

    A user has one link of a kind: a newer one replaces it. The TTL index deletes ended ones within a minute;
    no decision relies on that minute.
    """

    indexes = (
        Index([("hash", ASCENDING)], name="one_per_token", unique=True),
        Index([("expires_at", ASCENDING)], name="forgotten", expire_after=timedelta(0)),
    )

    def __init__(self, database: Database) -> None:
        self.documents = database["links"]

    async def prepare(self) -> None:
        await self.documents.create_indexes(self.indexes)

    async def issue(self, kind: LinkKind, user: User, email: Email) -> Issued:
        """Makes a link to mail to `email`. An older one of the same kind and user stops working."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        ends = times.now() + LIFETIMES[kind]
        content = {
            "kind": kind.value,
            "user_id": user.id,
            "generation": user.generation,
            "email": email.address,
            "email_key": email.key,
            "hash": _hash(token),
            "expires_at": ends,
        }
        await self.documents.update_one({"_id": _id(kind, user.id)}, {"$set": content}, upsert=True)
        return Issued(f"{kind.value}:{_hash(token)[:32]}", token, ends)

    async def of_token(self, token: str, *kinds: LinkKind) -> Link:
        """The link, which this does not spend. Raises LinkInvalid for one that ended, or of another kind."""
        document = await self.documents.find_one({"hash": _hash(token)})
        if document is None or document["kind"] not in kinds or document["expires_at"] <= times.now():
            raise LinkInvalid()
        return _link(document)

    async def spend(self, link: Link) -> None:
        """Raises LinkInvalid where the link was spent or replaced. Of concurrent calls, one succeeds."""
        if not await self.documents.delete_one({"_id": _id(link.kind, link.user_id), "hash": link.hash}):
            raise LinkInvalid()

    async def revoke(self, user_id: str, *kinds: LinkKind) -> None:
        """Ends the user's links of these kinds."""
        await self.documents.delete_many({"_id": {"$in": [_id(kind, user_id) for kind in kinds]}})


def _id(kind: LinkKind, user_id: str) -> str:
    return f"{kind.value}:{user_id}"


def _hash(token: str) -> str:
    """No salt and no stretching: nobody guesses 256 random bits."""
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _link(document: Document) -> Link:
    return Link(
        LinkKind(document["kind"]),
        document["user_id"],
        Email(document["email"], document["email_key"]),
        document["generation"],
        document["hash"],
    )
