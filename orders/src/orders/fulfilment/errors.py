"""Why a fulfilment refuses."""

from common.base.errors import BadRequest
from common.contract.error_codes import ErrorCode


class NotPaid(BadRequest):
    code = ErrorCode.ORDER_NOT_PAID
    default_message = "This order is not paid"


class NotDelivered(BadRequest):
    code = ErrorCode.NOT_DELIVERED
    default_message = "The seller has not handed the ticket over yet"


class DeliveryLate(BadRequest):
    code = ErrorCode.DELIVERY_LATE
    default_message = "The time to hand the ticket over has ended, the buyer gets the money back"


class AlreadyAccepted(BadRequest):
    code = ErrorCode.ORDER_ACCEPTED
    default_message = "The sale is settled: the buyer has the ticket, and the seller is paid"


class AlreadyRefunded(BadRequest):
    code = ErrorCode.ORDER_REFUNDED
    default_message = "The buyer gets the money back for this order"


class Disputed(BadRequest):
    code = ErrorCode.ORDER_DISPUTED
    default_message = "The buyer has a claim about this ticket"


class CardDisputed(BadRequest):
    """The card's owner disputes the charge: a refund would pay the buyer twice."""

    code = ErrorCode.CARD_DISPUTED
    default_message = "The buyer's bank looks into this payment, please wait for its answer"


class ClaimLate(BadRequest):
    code = ErrorCode.CLAIM_LATE
    default_message = "The time for a claim has ended"


class ClaimOpen(BadRequest):
    code = ErrorCode.CLAIM_OPEN
    default_message = "You have made a claim about this ticket already"


class NoClaim(BadRequest):
    code = ErrorCode.NO_CLAIM
    default_message = "There is no open claim about this ticket"


class ClaimAnswered(BadRequest):
    code = ErrorCode.CLAIM_ANSWERED
    default_message = "You have answered this claim already"
