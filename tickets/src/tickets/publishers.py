"""Publishers: the events that this service emits; `domain.py` says when."""

from common.contract.events import TicketCreated, TicketUpdated, TicketWithdrawn
from common.messaging.publisher import Publisher, Publishers
from common.messaging.stream import Stream

SOURCE = "tickets"


class TicketCreatedPublisher(Publisher[TicketCreated], source=SOURCE): ...


class TicketUpdatedPublisher(Publisher[TicketUpdated], source=SOURCE): ...


class TicketWithdrawnPublisher(Publisher[TicketWithdrawn], source=SOURCE): ...


def publishers(stream: Stream) -> Publishers:
    return Publishers(stream, [TicketCreatedPublisher, TicketUpdatedPublisher, TicketWithdrawnPublisher])
