"""Why a ticket refuses."""

from common.base.errors import BadRequest


class TicketReserved(BadRequest):
    default_message = "Cannot edit a reserved ticket"


class TicketTaken(BadRequest):
    default_message = "Cannot withdraw a reserved or sold ticket"


class HeldByAnother(Exception):
    """An order asks for a ticket that another order's end has not freed yet."""
