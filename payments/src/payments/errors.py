"""Why a payment refuses, and what a provider leaves open."""

from common.base.errors import BadRequest, PaymentRequired, Unavailable
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
    """The provider doesn't know the token, or not any more. Nothing was authorised."""

    code = ErrorCode.TOKEN_INVALID
    default_message = "Token is not a valid payment method"

    def __init__(self) -> None:
        super().__init__(field="token")


class Declined(PaymentRequired):
    """In the provider's words. Nothing was authorised."""

    code = ErrorCode.CARD_DECLINED


class BadSignature(BadRequest):
    code = ErrorCode.SIGNATURE_INVALID
    default_message = "The webhook's signature is not valid"


class OutcomeUnknown(Unavailable):
    """The provider did not answer, or not yet: money may be authorised or not, until it is looked up."""

    code = ErrorCode.PAYMENT_OUTCOME_UNKNOWN
    default_message = "The payment's outcome is not known yet, please look again in a moment"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message)
        self.headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}


class SettlementRefused(Exception):
    """The provider can't capture what was voided, nor void what was captured: for a person to look at."""


class StrayIntent(Exception):
    """Authorised for an order that has its payment already: to be voided."""
