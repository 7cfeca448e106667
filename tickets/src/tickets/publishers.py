"""What this service emits; `domain.py` says when."""

from common.contract.events import TicketCreated, TicketUpdated, TicketWithdrawn
from common.messaging.publisher import Publisher, Publishers
from common.messaging.stream import Stream

SOURCE = "tickets"


class TicketCreatedPublisher(Publisher[TicketCreated]):
    event = TicketCreated
    source = SOURCE


class TicketUpdatedPublisher(Publisher[TicketUpdated]):
    event = TicketUpdated
    source = SOURCE


class TicketWithdrawnPublisher(Publisher[TicketWithdrawn]):
    event = TicketWithdrawn
    source = SOURCE


def publishers(stream: Stream) -> Publishers:
    return Publishers(
        [TicketCreatedPublisher(stream), TicketUpdatedPublisher(stream), TicketWithdrawnPublisher(stream)]
    )
