"""Check at a service's start that its database is not behind the service's own events."""

from typing import Protocol

from common.base.errors import Unavailable
from common.messaging.publisher import change_of
from common.messaging.stream import Stream
from common.persistence.mongo import Collection

RESTORING = "restoring"
"""Collection that holds a document while the command `restored` is under way, or was broken off."""


class BehindOwnEvents(Unavailable):
    """The database was restored from a backup, and `restored` was not run to its end."""


class Owner(Protocol):
    """Such as a `Repository`."""

    documents: Collection


class OwnEvents:
    """Refuses to be prepared while the database lacks the service's latest event in the stream.

    An event is published after the database has confirmed its change. So a database that is older than the
    event is a copy of an earlier moment. On it the service must not work: it would give versions to changes
    that consumers know from other ones.
    """

    def __init__(self, stream: Stream, repository: Owner, *subjects: str) -> None:
        """subjects: Those of the repository's own events, such as "ticket.>"."""
        self._stream = stream
        self._documents = repository.documents
        self._subjects = subjects

    async def prepare(self) -> None:
        """Raises BehindOwnEvents, or `errors.Unavailable` while the broker can't be asked."""
        if await self._documents.database[RESTORING].find_one({}) is not None:
            raise BehindOwnEvents("the command `restored` is under way, or was broken off: run it again")
        latest = await self._stream.last(self._subjects)
        change = None if latest is None else change_of(latest.headers)
        if change is None:
            return
        record_id, version = change
        document = await self._documents.find_one({"_id": record_id}, {"version": 1})
        # Of a user, the first change with an event stores a version.
        stored = -1 if document is None else document.get("version", 0)
        if stored < version:
            raise BehindOwnEvents(
                f"{self._documents.name} {record_id} was published at version {version} and is stored at "
                f"{stored}: the database is older than the event stream. If it was restored from a backup, "
                "stop every process of this service and run its command `restored`"
            )
