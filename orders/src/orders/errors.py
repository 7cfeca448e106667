"""Why an order refuses."""

from common.errors import BadRequest


class TicketReserved(BadRequest):
    default_message = "Ticket is already reserved"


class OwnTicket(BadRequest):
    default_message = "You can't buy your own ticket"


class OrderComplete(BadRequest):
    default_message = "Cannot cancel a completed order"


class NotDue(Exception):
    """The order's hold has not ended yet."""
