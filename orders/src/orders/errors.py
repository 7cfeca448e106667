"""Why an order refuses."""

from common.base.errors import BadRequest, TooManyTries
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


class TooManyOpenOrders(TooManyTries):
    """The buyer holds as many unpaid orders as one may."""

    code = ErrorCode.OPEN_ORDERS_LIMIT
    default_message = "You hold too many unpaid tickets: pay for one, or cancel one, then order again"


class ReorderPaused(TooManyTries):
    """Orders of this ticket by this buyer ended unpaid: others go first for a while."""

    code = ErrorCode.REORDER_PAUSED
    default_message = "You gave up this ticket before without paying, please wait before you order it again"


class OrderComplete(BadRequest):
    code = ErrorCode.ORDER_COMPLETE
    default_message = "Cannot cancel a completed order"


class NotDue(Exception):
    """The order's hold has not ended yet."""
