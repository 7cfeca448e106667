"""Errors of payments: refusals, and outcomes that the provider leaves unknown."""

from common.base.errors import BadRequest, PaymentRequired, TooManyTries, Unavailable
from common.contract.error_codes import ErrorCode

RETRY_AFTER_SECONDS = 2


class CancelledOrder(BadRequest):
    code = ErrorCode.ORDER_CANCELLED
    default_message = "Cannot pay for a cancelled order"


class ExpiredOrder(BadRequest):
    code = ErrorCode.ORDER_EXPIRED
    default_message = "Cannot pay for an expired order"


class CompleteOrder(BadRequest):
    code = ErrorCode.ORDER_PAID
    default_message = "This order is already paid"


class NothingToConfirm(BadRequest):
    code = ErrorCode.NOTHING_TO_CONFIRM
    default_message = "No payment of this order waits for a confirmation"


class BadToken(BadRequest):
    """Token that the provider doesn't know, or knows no longer. No money was authorised."""

    code = ErrorCode.TOKEN_INVALID
    default_message = "Token is not a valid payment method"

    def __init__(self) -> None:
        super().__init__(field="token")


class Declined(PaymentRequired):
    """Declined card. The message is the provider's. No money was authorised."""

    code = ErrorCode.CARD_DECLINED


class AmountRefused(Declined):
    """Amount that the provider does not take, with any card. The message is the provider's."""


class TooManyDeclines(TooManyTries):
    """As many cards were declined for the order as may be tried. The provider was not called."""

    code = ErrorCode.DECLINES_LIMIT
    default_message = "Too many cards were declined for this order, it can't be paid any more"


class TooManyDeclinesToday(TooManyTries):
    """As many cards of the account were declined in a day as may be tried. The provider was not called."""

    code = ErrorCode.DECLINES_PER_DAY_LIMIT
    default_message = "Too many of your cards were declined today, please wait"


class BadSignature(BadRequest):
    code = ErrorCode.SIGNATURE_INVALID
    default_message = "The webhook's signature is not valid"


class OutcomeUnknown(Unavailable):
    """Missing answer of the provider. Whether money is authorised stays unknown until a lookup."""

    code = ErrorCode.PAYMENT_OUTCOME_UNKNOWN
    default_message = "The payment's outcome is not known yet, please look again in a moment"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message)
        self.headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}


class SettlementRefused(Exception):
    """Impossible settlement, such as the capture of a voided intent. A person has to look at it.

    The provider can capture no voided or unknown intent, and void no captured or unknown intent.
    """


class StrayIntent(Exception):
    """Authorised intent of the last release, of an order that has its payment. It has to be voided."""
