"""Answers that the contract and the state explain; all other answers are reported."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common.contract.error_codes import ErrorCode
from infra.verify.chaos.ledger import Listing, Purchase

OUTAGES = frozenset({502, 503, 504})
DECLINING = frozenset(
    {"tok_chargeDeclined", "tok_chargeDeclinedInsufficientFunds", "tok_threeDSecureDeclined"}
)


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer to one request.

    `status` is 0 if no answer arrived: then, as after a 5xx, the outcome is unknown.
    """

    status: int
    body: Any = None

    @property
    def code(self) -> str:
        """Code of the first error; "" for a body that does not follow the contract."""
        try:
            return str(self.body["errors"][0]["code"])
        except (TypeError, KeyError, IndexError):
            return ""


Explained = Mapping[str, bool]
"""Maps the code of a 4xx to whether the state can be its reason."""


def is_expected(answer: Answer, success: int, explained: Explained) -> bool:
    if answer.status == 0:
        return True
    if answer.status < 400:
        return answer.status == success
    if answer.status in OUTAGES:
        return answer.code != ""
    return explained.get(answer.code, False)


def of_change(listing: Listing) -> Explained:
    return {
        ErrorCode.TICKET_NOT_EDITABLE: listing.orders > 0,
        ErrorCode.TICKET_NOT_WITHDRAWABLE: listing.orders > 0,
        **of_look(listing),
    }


def of_look(listing: Listing) -> Explained:
    """The last release says "not-found" of a withdrawn listing."""
    return {ErrorCode.NOT_FOUND: listing.withdrawing, ErrorCode.TICKET_WITHDRAWN: listing.withdrawing}


def of_order(listing: Listing, user: str) -> Explained:
    return {
        ErrorCode.TICKET_RESERVED: listing.orders > 1,
        ErrorCode.OWN_TICKET: listing.seller == user,
        ErrorCode.NOT_FOUND: listing.withdrawing or listing.is_fresh,
    }


def of_cancellation(purchase: Purchase) -> Explained:
    return {ErrorCode.ORDER_COMPLETE: bool(purchase.tokens)}


def of_payment(purchase: Purchase) -> Explained:
    return {
        ErrorCode.ORDER_CANCELLED: purchase.may_be_over,
        ErrorCode.ORDER_EXPIRED: purchase.may_be_over,
        ErrorCode.ORDER_PAID: len(purchase.tokens) > 0,
        ErrorCode.NOTHING_TO_CONFIRM: True,
        ErrorCode.TOKEN_INVALID: "tok_unknown" in purchase.tokens,
        ErrorCode.NOT_FOUND: purchase.is_fresh,
        ErrorCode.CARD_DECLINED: bool(DECLINING & purchase.tokens),
    }
