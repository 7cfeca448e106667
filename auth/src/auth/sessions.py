"""Sessions as records: which devices a user is signed in on, and their ends.

No request looks a session up here: a token is good by its signature, until the session's end is known to the
process (`common.http.ended_sessions`). The record is for its owner, and for the end of all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from auth.last_used import LastUsed
from common.base import times
from common.base.errors import DatabaseError, DuplicateKey, NotFound
from common.base.identity import CurrentUser
from common.contract.events import SessionEnded
from common.http.ended_sessions import EndedSessions, key_of
from common.http.session_tokens import LIFETIME
from common.messaging.publisher import Publishers
from common.persistence.mongo import ASCENDING, DESCENDING, Database, Document, Index, Query
from common.persistence.outbox import OUTBOX_INDEX, Relay, entry_of

MAX_LISTED = 100
BATCH = 500


@dataclass(frozen=True, slots=True)
class Origin:
    """device: In words, such as "Firefox on Linux". address: Network address, as limits count it."""

    device: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """address: Where it began. used_at: Of the latest use that was noted."""

    id: str
    device: str
    address: str
    created_at: datetime
    used_at: datetime


class SessionRecords:
    """Sessions: `{_id, user_id, device, address, created_at, used_at, expires_at}`, deleted once expired.

    Optional: `ended_at`, with the event in `outbox`, both by one write. A session of the release before has
    no record until it is used.
    """

    indexes = (
        Index([("user_id", ASCENDING), ("used_at", DESCENDING)], name="of_user"),
        Index([("user_id", ASCENDING), ("_id", ASCENDING)], name="of_user_by_id"),
        Index([("expires_at", ASCENDING)], name="forgotten", expire_after=timedelta(0)),
        OUTBOX_INDEX,
    )

    def __init__(self, database: Database, publishers: Publishers, ended: EndedSessions) -> None:
        """ended: Of this process, which learns at once what it ends, also while the broker is away."""
        self.documents = database["sessions"]
        self.relay = Relay(self.documents, publishers)
        self._publishers = publishers
        self._ended = ended
        self._last_used = LastUsed()

    async def prepare(self) -> None:
        await self.documents.create_indexes(self.indexes)

    async def begin(self, session: CurrentUser, origin: Origin) -> None:
        await self.documents.insert_one({"_id": session.session_id, **_new(session.id, origin)})
        self._last_used.noted(session.session_id)

    async def use(self, session: CurrentUser, origin: Origin) -> None:
        """Notes that the session is in use: not more often than every few minutes in a process."""
        if key_of(session.session_id) is None or not self._last_used.is_due(session.session_id):
            return
        new = _new(session.id, origin)
        seen = {"used_at": new.pop("used_at")}
        query = {"_id": session.session_id, "user_id": session.id}
        await self.documents.update_one(query, {"$set": seen, "$setOnInsert": new}, upsert=True)
        self._last_used.noted(session.session_id)

    async def prolong(self, session: CurrentUser) -> None:
        """The session gets a token with a new life: so does its record."""
        change = {"$set": {"expires_at": times.now() + LIFETIME}}
        await self.documents.update_one({"_id": session.session_id}, change)

    async def of_user(self, user_id: str) -> Sequence[Session]:
        """Those that go on, the latest used first, at most MAX_LISTED."""
        found = await self.documents.find(_open(user_id), sort=[("used_at", DESCENDING)], limit=MAX_LISTED)
        return [_session(document) for document in found]

    async def end_own(self, session: CurrentUser) -> None:
        """Ends the session of a request, also one without a record. Again: nothing."""
        if key_of(session.session_id) is None:
            return
        entry, change = self._end(session.session_id, session.id)
        new = _new(session.id, Origin("", ""))
        query = {"_id": session.session_id, "user_id": session.id, "ended_at": None}
        try:
            await self.documents.update_one(query, {**change, "$setOnInsert": new}, upsert=True)
        except DuplicateKey:
            return
        self._tell(session.session_id, entry)

    async def end(self, user_id: str, session_id: str) -> None:
        """Ends a session of the user. Raises NotFound for any other one, and for one that has ended."""
        entry, change = self._end(session_id, user_id)
        if not await self.documents.update_one({"_id": session_id, **_open(user_id)}, change):
            raise NotFound()
        self._tell(session_id, entry)

    async def end_sessions(self, user_id: str, *, but: str | None = None) -> None:
        """Ends the user's sessions, each with its event in one write. Idempotent. but: One that goes on.

        One that begins meanwhile may not be among them: `http_session.SessionStarter.start` refuses it.
        """
        query = {**_open(user_id), **({} if but is None else {"_id": {"$ne": but}})}
        while found := await self.documents.find(query, {"_id": 1}, limit=BATCH):
            ends = [(each["_id"], *self._end(each["_id"], user_id)) for each in found]
            updates = [({"_id": name, "ended_at": None}, change) for name, _, change in ends]
            results = await self.documents.update_each(updates)
            for (name, entry, _), result in zip(ends, results, strict=True):
                if isinstance(result, DatabaseError):
                    raise result
                if result:
                    self._tell(name, entry)

    async def forget_origins(self, user_id: str) -> None:
        """Erases devices and network addresses of the user's sessions."""
        await self.documents.update_many({"user_id": user_id}, {"$set": {"device": "", "address": ""}})

    def _end(self, session_id: str, user_id: str) -> tuple[Document, Document]:
        """The entry of the outbox, and the update that stores it with the end."""
        event = SessionEnded(id=session_id, user_id=user_id)
        entry = entry_of(self._publishers.of(event).envelope(event, None))
        return entry, {"$set": {"ended_at": times.now()}, "$push": {"outbox": entry}}

    def _tell(self, session_id: str, entry: Document) -> None:
        self._ended.add(session_id, times.now().timestamp())
        self.relay.wake(session_id, [entry])


def _open(user_id: str) -> Query:
    return {"user_id": user_id, "ended_at": None, "expires_at": {"$gt": times.now()}}


def _new(user_id: str, origin: Origin) -> Document:
    now = times.now()
    return {
        "user_id": user_id,
        "device": origin.device,
        "address": origin.address,
        "created_at": now,
        "used_at": now,
        "expires_at": now + LIFETIME,
    }


def _session(document: Document) -> Session:
    return Session(
        id=document["_id"],
        device=document["device"],
        address=document["address"],
        created_at=document["created_at"],
        used_at=document["used_at"],
    )
