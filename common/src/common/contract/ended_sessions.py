"""Which sessions have ended: each service with a session reads it from events, and calls no other service."""

import logging
from datetime import timedelta
from typing import Protocol

from common.contract.events import SessionEnded, Subject
from common.messaging.events import Unreadable, read
from common.messaging.stream import Stored, Stream
from common.messaging.subscriptions.follow import FollowSubscription

log = logging.getLogger(__name__)

SUBJECT = f"{Subject.SESSION_ENDED}.*"
MARGIN = timedelta(minutes=10)
"""Between the clocks of two machines."""


class Ended(Protocol):
    """A set of ended sessions, such as `common.http.ended_sessions.EndedSessions`."""

    @property
    def life(self) -> timedelta: ...

    def add(self, session_id: str, at: float) -> None: ...


def follow(stream: Stream, ended: Ended) -> FollowSubscription:
    """Keeps `ended` up to date. Events that are older than a token can be are not read."""

    def apply(stored: Stored) -> None:
        try:
            event = read(SessionEnded, stored.data, stored.headers)
        except Unreadable as error:
            log.warning("end of a session skipped", extra={"event": stored.subject, "error": str(error)})
        else:
            ended.add(event.id, stored.at.timestamp())

    return FollowSubscription(stream, SUBJECT, ended.life + MARGIN, apply)
