"""The outbox of mails: each is put once, leased by one process at a time, and sent once in effect."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from auth.mail import languages
from auth.mail.kinds import CONTENTS, Content, restored, stored
from common.base import times
from common.base.errors import DuplicateKey
from common.base.ids import new_id
from common.persistence.mongo import ASCENDING, Database, Document, Index, Query

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
"""Longer than a delivery takes (`postman.MAIL_SECONDS`)."""
KEPT = timedelta(days=30)
"""For so long a mail that is put again is known to have been sent."""
BATCH = 50


class Ended(StrEnum):
    """Why a mail is no longer in the outbox."""

    SENT = "sent"
    BOUNCED = "bounced"
    GIVEN_UP = "given-up"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that waits.

    id: The same for the same fact, however often it is put: an event's id and its recipient, or a kind and a
    token's id. to: E-mail address. language: One of `languages.LANGUAGES`.
    useful_until: When its link ends: it is not sent later, and is deleted unsent. None for a mail that is
    sent however late.
    at: When it was put. attempts: Times that it was refused for now. lease: Secret of the process that sends.
    """

    id: str
    content: Content
    user_id: str
    to: str
    language: str
    useful_until: datetime | None
    at: datetime
    attempts: int = 0
    lease: str = ""


class Mails:
    """Mails, as documents `{_id, kind, user_id, to, language, data, at, due, attempts, expires_at?, lease?}`.

    A mail with `due` is to be sent at that time, or is leased until then. One without has ended: `ended`
    tells how, and `to` and `data`, with any secret in it, are gone.
    """

    indexes = (
        Index([("due", ASCENDING)], name="due", sparse=True),
        Index([("user_id", ASCENDING), ("_id", ASCENDING)], name="of_user"),
        Index([("expires_at", ASCENDING)], name="forgotten", expire_after=timedelta(0)),
    )

    def __init__(self, database: Database) -> None:
        self.documents = database["mails"]
        self.on_put: Callable[[], None] = lambda: None
        """Called after each new mail, so that this process sends it at once."""

    async def prepare(self) -> None:
        await self.documents.create_indexes(self.indexes)

    async def put(
        self,
        mail_id: str,
        content: Content,
        *,
        user_id: str,
        to: str,
        language: str,
        useful_until: datetime | None = None,
    ) -> None:
        """Stores a mail for sending. Does nothing where a mail of this id is stored, which is so for KEPT."""
        now = times.now()
        document = {
            "_id": mail_id,
            "kind": content.kind.value,
            "user_id": user_id,
            "to": to,
            "language": languages.known(language),
            "data": stored(content),
            "at": now,
            "due": now,
            "attempts": 0,
            # The database itself deletes a link that ended, also while no process sends.
            **({"expires_at": times.to_millis(useful_until)} if useful_until else {}),
        }
        try:
            await self.documents.insert_one(document)
        except DuplicateKey:
            return
        self.on_put()

    async def due(self) -> Sequence[str]:
        """Ids of due mails, the longest due first, at most BATCH; none of a newer version's kinds."""
        query = {"kind": {"$in": [kind.value for kind in CONTENTS]}, "due": {"$lte": times.now()}}
        found = await self.documents.find(query, {"_id": 1}, sort=[("due", ASCENDING)], limit=BATCH)
        return [document["_id"] for document in found]

    async def lease(self, mail_id: str) -> Mail | None:
        """Takes a due mail for LEASE; None where another process has it, or it ended."""
        now, lease = times.now(), new_id()
        query = {"_id": mail_id, "due": {"$lte": now}}
        document = await self.documents.find_one_and_update(
            query, {"$set": {"due": now + LEASE, "lease": lease}}
        )
        return None if document is None else _mail(document)

    async def postpone(self, mail: Mail, pause: timedelta, *, refused: bool) -> None:
        """Gives the lease back: the mail is due again after `pause`. refused: Counts as an attempt."""
        change: Document = {"$set": {"due": times.now() + pause}, "$unset": {"lease": ""}}
        if refused:
            change["$inc"] = {"attempts": 1}
        await self.documents.update_one(_leased(mail), change)

    async def end(self, mail: Mail, how: Ended) -> None:
        """Marks it as ended and forgets its words. Does nothing if the lease was lost meanwhile."""
        now = times.now()
        change = {
            "$set": {"ended": how.value, "ended_at": now, "expires_at": now + KEPT},
            "$unset": {"due": "", "lease": "", "data": "", "to": ""},
        }
        if not await self.documents.update_one(_leased(mail), change):
            log.warning("a mail's lease was lost: it may arrive twice", extra={"mail": mail.id})

    async def erase(self, user_id: str, *, but: str) -> None:
        """Deletes the user's mails, sent or not. but: Id of one that stays."""
        await self.documents.delete_many({"user_id": user_id, "_id": {"$ne": but}})

    async def waiting(self) -> tuple[int, datetime | None]:
        """Count of the mails that are not sent yet, and when the oldest of those due first was put."""
        query: Query = {"due": {"$exists": True}}
        first = await self.documents.find_one(query, {"at": 1}, sort=[("due", ASCENDING)])
        return await self.documents.count_documents(query), None if first is None else first["at"]


def _leased(mail: Mail) -> Query:
    return {"_id": mail.id, "lease": mail.lease}


def _mail(document: Document) -> Mail:
    return Mail(
        id=document["_id"],
        content=restored(document["kind"], document["data"]),
        user_id=document["user_id"],
        to=document["to"],
        language=document["language"],
        useful_until=document.get("expires_at"),
        at=document["at"],
        attempts=document["attempts"],
        lease=document["lease"],
    )
