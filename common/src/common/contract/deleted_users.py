"""Which users deleted their accounts, from the stream: for a service whose database was restored."""

import logging
from collections.abc import AsyncIterator

from common.contract.events import Subject, UserDeleted
from common.messaging.events import Unreadable, read
from common.messaging.stream import Stream

log = logging.getLogger(__name__)

SUBJECT = f"{Subject.USER_DELETED}.*"


async def deleted_users(stream: Stream) -> AsyncIterator[UserDeleted]:
    """All of them, in order. Raises `errors.Unavailable` when the broker can't be asked."""
    async for batch in stream.history([SUBJECT]):
        for stored in batch:
            try:
                yield read(UserDeleted, stored.data, stored.headers)
            except Unreadable as error:
                log.warning("deletion skipped", extra={"event": stored.subject, "error": str(error)})
