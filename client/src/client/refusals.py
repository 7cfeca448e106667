"""Errors that the pages raise themselves, each with the message of its code."""

from client.messages import MESSAGES
from common.base.errors import BadRequest, Unavailable
from common.contract.error_codes import ErrorCode


class FormInvalid(BadRequest):
    code = ErrorCode.FORM_INVALID
    default_message = MESSAGES[ErrorCode.FORM_INVALID]


class LanguageUnknown(BadRequest):
    code = ErrorCode.LANGUAGE_UNKNOWN
    default_message = MESSAGES[ErrorCode.LANGUAGE_UNKNOWN]


class TicketNotSaleableYet(BadRequest):
    """The orders service has not received the ticket, or its price, yet."""

    code = ErrorCode.TICKET_NOT_SALEABLE_YET
    default_message = MESSAGES[ErrorCode.TICKET_NOT_SALEABLE_YET]


class PriceAmbiguous(BadRequest):
    """A typed price has two meanings, such as 1.000."""

    code = ErrorCode.PRICE_AMBIGUOUS
    default_message = MESSAGES[ErrorCode.PRICE_AMBIGUOUS]

    def __init__(self, field: str = "price") -> None:
        super().__init__(field=field)


class OrderNotPayableYet(Unavailable):
    """The payments service has not received the order yet."""

    code = ErrorCode.ORDER_NOT_PAYABLE_YET
    default_message = MESSAGES[ErrorCode.ORDER_NOT_PAYABLE_YET]


class PaymentOutcomeUnknown(Unavailable):
    """The payments service did not respond, or could not determine the outcome."""

    code = ErrorCode.PAYMENT_OUTCOME_UNKNOWN
    default_message = MESSAGES[ErrorCode.PAYMENT_OUTCOME_UNKNOWN]
