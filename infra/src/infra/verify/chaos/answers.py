"""Which answers the contract and the state explain; everything else is reported."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.verify.chaos.ledger import Listing, Purchase

OUTAGES = frozenset({502, 503, 504})
RESERVED_TICKET = "Cannot edit a reserved ticket"
TAKEN_TICKET = "Cannot withdraw a reserved or sold ticket"
TICKET_ORDERED = "Ticket is already reserved"
OWN_TICKET = "You can't buy your own ticket"
ORDER_COMPLETE = "Cannot cancel a completed order"
ORDER_CANCELLED = "Cannot pay for a cancelled order"
ORDER_EXPIRED = "Cannot pay for an expired order"
ORDER_PAID = "This order is already paid"
NOTHING_TO_CONFIRM = "No payment of this order waits for a confirmation"
BAD_TOKEN = "Token is not a valid payment method"
MISSING = "Not found"
DECLINING = frozenset(
    {"tok_chargeDeclined", "tok_chargeDeclinedInsufficientFunds", "tok_threeDSecureDeclined"}
)


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` is 0 where no answer came: then, as after a 5xx, what happened is unknown."""

    status: int
    body: Any = None

    @property
    def message(self) -> str:
        """The first error in words; "" for a body that is not the contract's."""
        try:
            return str(self.body["errors"][0]["message"])
        except (TypeError, KeyError, IndexError):
            return ""


Explained = Mapping[str, bool]
"""By the message of a 4xx: whether the state can be the reason."""


def is_expected(answer: Answer, success: int, explained: Explained) -> bool:
    if answer.status == 0:
        return True
    if answer.status < 400:
        return answer.status == success
    if answer.status in OUTAGES:
        return answer.message != ""
    return explained.get(answer.message, answer.status == 402 and explained.get("declined", False))


def of_change(listing: Listing) -> Explained:
    return {
        RESERVED_TICKET: listing.orders > 0,
        TAKEN_TICKET: listing.orders > 0,
        MISSING: listing.withdrawing,
    }


def of_order(listing: Listing, user: str) -> Explained:
    return {
        TICKET_ORDERED: listing.orders > 1,
        OWN_TICKET: listing.seller == user,
        MISSING: listing.withdrawing or listing.is_fresh,
    }


def of_cancellation(purchase: Purchase) -> Explained:
    return {ORDER_COMPLETE: bool(purchase.tokens)}


def of_payment(purchase: Purchase) -> Explained:
    return {
        ORDER_CANCELLED: purchase.may_be_over,
        ORDER_EXPIRED: purchase.may_be_over,
        ORDER_PAID: len(purchase.tokens) > 0,
        NOTHING_TO_CONFIRM: True,
        BAD_TOKEN: "tok_unknown" in purchase.tokens,
        MISSING: purchase.is_fresh,
        "declined": bool(DECLINING & purchase.tokens),
    }
