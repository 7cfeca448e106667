"""Why a payment refuses, and what a provider leaves open."""

from common.base.errors import BadRequest, PaymentRequired, Unavailable

RETRY_AFTER_SECONDS = 2


class CancelledOrder(BadRequest):
    default_message = "Cannot pay for a cancelled order"


class ExpiredOrder(BadRequest):
    default_message = "Cannot pay for an expired order"


class CompleteOrder(BadRequest):
    default_message = "This order is already paid"


class NothingToConfirm(BadRequest):
    default_message = "No payment of this order waits for a confirmation"


class BadToken(BadRequest):
    """The provider doesn't know the token, or not any more. Nothing was authorised."""

    default_message = "Token is not a valid payment method"

    def __init__(self) -> None:
        super().__init__(field="token")


class Declined(PaymentRequired):
    """In the provider's words. Nothing was authorised."""


class BadSignature(BadRequest):
    default_message = "The webhook's signature is not valid"


class OutcomeUnknown(Unavailable):
    """The provider did not answer, or not yet: money may be authorised or not, until it is looked up."""

    default_message = "The payment's outcome is not known yet, please look again in a moment"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message)
        self.headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}


class SettlementRefused(Exception):
    """The provider can't capture what was voided, nor void what was captured: for a person to look at."""


class StrayIntent(Exception):
    """Authorised for an order that has its payment already: to be voided."""
