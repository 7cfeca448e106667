"""Why a ticket refuses."""

from common.base.errors import BadRequest
from common.contract.error_codes import ErrorCode


class TicketReserved(BadRequest):
    code = ErrorCode.TICKET_NOT_EDITABLE
    default_message = "Cannot edit a reserved ticket"


class TicketTaken(BadRequest):
    code = ErrorCode.TICKET_NOT_WITHDRAWABLE
    default_message = "Cannot withdraw a reserved or sold ticket"


class HeldByAnother(Exception):
    """An order asks for a ticket that another order's end has not freed yet."""
