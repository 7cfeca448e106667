"""Why a ticket refuses."""

from common.base.errors import BadRequest, NotFound, PreconditionFailed
from common.contract.error_codes import ErrorCode


class TicketReserved(BadRequest):
    code = ErrorCode.TICKET_NOT_EDITABLE
    default_message = "Cannot edit a reserved ticket"


class TicketTaken(BadRequest):
    code = ErrorCode.TICKET_NOT_WITHDRAWABLE
    default_message = "Cannot withdraw a reserved or sold ticket"


class TicketNotRelistable(BadRequest):
    code = ErrorCode.TICKET_NOT_RELISTABLE
    default_message = "Cannot put a reserved or sold ticket back on sale"


class EventOver(BadRequest):
    """The day of the event has ended everywhere on Earth."""

    code = ErrorCode.EVENT_DATE_PAST
    default_message = "The date of the event is over"

    def __init__(self) -> None:
        super().__init__(field="eventDate")


class TicketChanged(PreconditionFailed):
    """Somebody else's change, or the seller's own in another window, came first."""

    code = ErrorCode.TICKET_CHANGED
    default_message = "The ticket has changed, please look again"


class TicketWithdrawn(NotFound):
    """For all but its seller."""

    code = ErrorCode.TICKET_WITHDRAWN


class HeldByAnother(Exception):
    """An order asks for a ticket that another order's end has not freed yet."""
