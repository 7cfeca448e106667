"""Why an order refuses."""

from common.base.errors import BadRequest
from common.contract.error_codes import ErrorCode


class TicketReserved(BadRequest):
    code = ErrorCode.TICKET_RESERVED
    default_message = "Ticket is already reserved"


class OwnTicket(BadRequest):
    code = ErrorCode.OWN_TICKET
    default_message = "You can't buy your own ticket"


class EventOver(BadRequest):
    code = ErrorCode.TICKET_EVENT_OVER
    default_message = "The day of this event is over"


class PriceChanged(BadRequest):
    """The price changed after the buyer saw it, or its event has not reached this service yet."""

    code = ErrorCode.PRICE_CHANGED
    default_message = "The price has changed, please look again"

    def __init__(self) -> None:
        super().__init__(field="price")


class OrderComplete(BadRequest):
    code = ErrorCode.ORDER_COMPLETE
    default_message = "Cannot cancel a completed order"


class NotDue(Exception):
    """The order's hold has not ended yet."""
