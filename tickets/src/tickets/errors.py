"""Why a ticket refuses."""

from common.base.errors import BadRequest, NotFound, PreconditionFailed, TooManyTries, Unavailable
from common.base.money import Money
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


class FaceValueRequired(BadRequest):
    code = ErrorCode.FACE_VALUE_REQUIRED
    default_message = "Give the face value: the price may be only so far above it"

    def __init__(self) -> None:
        super().__init__(field="faceValue")


class PriceAboveMarkup(BadRequest):
    code = ErrorCode.PRICE_ABOVE_MARKUP

    def __init__(self, most: Money, percent: int) -> None:
        above = f"{percent} % above the face value" if percent else "the face value"
        super().__init__(f"Price may be at most {most}, which is {above}", "price")


class TooManyListings(BadRequest):
    """The seller has as many listings on sale, or held, as one may."""

    code = ErrorCode.LISTINGS_LIMIT
    default_message = "You have as many listings on sale as one seller may: withdraw one first"


class TooManyNewListings(TooManyTries):
    code = ErrorCode.LISTINGS_PER_HOUR_LIMIT
    default_message = "You listed many tickets within an hour, please wait"


class TicketChanged(PreconditionFailed):
    """Somebody else's change, or the seller's own in another window, came first."""

    code = ErrorCode.TICKET_CHANGED
    default_message = "The ticket has changed, please look again"


class TicketWithdrawn(NotFound):
    """For all but its seller."""

    code = ErrorCode.TICKET_WITHDRAWN


class FileNotReadable(BadRequest):
    """A file that is refused for its content."""

    code = ErrorCode.FILE_UNREADABLE
    default_message = "Send a PDF, PNG or JPEG that can be read, of at most 5 MB and 10 pages"


class FileProtected(BadRequest):
    code = ErrorCode.FILE_PROTECTED
    default_message = "The PDF is protected with a password: send one without"


class FileHasTooManyPages(BadRequest):
    code = ErrorCode.FILE_TOO_MANY_PAGES
    default_message = "The PDF has more than 10 pages: send the ticket's alone"


class FileHasTooManyPixels(BadRequest):
    code = ErrorCode.FILE_PIXELS
    default_message = "The picture has more than 25 million pixels: send a smaller one"


class TicketAlreadyListed(BadRequest):
    """Another listing on sale, held or sold has the same barcode."""

    code = ErrorCode.TICKET_ALREADY_LISTED
    default_message = "This ticket is already listed"


class UploadsBusy(Unavailable):
    code = ErrorCode.UPLOADS_BUSY
    default_message = "Many tickets are being added right now, please try again in a moment"

    def __init__(self) -> None:
        super().__init__()
        self.headers = {"Retry-After": "5"}


class HeldByAnother(Exception):
    """An order asks for a ticket that another order's end has not freed yet."""
