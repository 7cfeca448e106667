"""Publishers: the events that this service emits; `sessions.py` says when."""

from common.contract.events import SessionEnded
from common.messaging.publisher import Publisher, Publishers
from common.messaging.stream import Stream

SOURCE = "auth"


class SessionEndedPublisher(Publisher[SessionEnded], source=SOURCE): ...


def publishers(stream: Stream) -> Publishers:
    return Publishers(stream, [SessionEndedPublisher])
