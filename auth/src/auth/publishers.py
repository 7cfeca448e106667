"""Publishers: the events that this service emits; `sessions.py` and `deletions.py` say when."""

from common.contract.events import SessionEnded, UserDeleted
from common.messaging.publisher import Publisher, Publishers
from common.messaging.stream import Stream

SOURCE = "auth"


class SessionEndedPublisher(Publisher[SessionEnded], source=SOURCE): ...


class UserDeletedPublisher(Publisher[UserDeleted], source=SOURCE): ...


def publishers(stream: Stream) -> Publishers:
    return Publishers(stream, [SessionEndedPublisher, UserDeletedPublisher])
