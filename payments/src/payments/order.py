"""Order of a payment, and the fulfilment that decides where its money goes; both are decided by orders."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from common.base.money import Money


class Fulfilment(StrEnum):
    """State of a complete order's fulfilment, as far as its events say it."""

    DELIVERED = "delivered"
    DISPUTED = "disputed"
    ACCEPTED = "accepted"
    """The seller is to be paid."""
    REFUNDED = "refunded"
    """The buyer is to have the money back."""


DECIDED = (Fulfilment.ACCEPTED, Fulfilment.REFUNDED)
"""States after which no other follows."""


@dataclass(frozen=True, slots=True)
class Order:
    """Order, as this service's replica holds it.

    fulfilment: None until the ticket is handed over. seller_id: "" as long as that is None.
    """

    id: str
    user_id: str
    status: str
    price: Money
    expires_at: datetime
    version: int = 0
    fulfilment: Fulfilment | None = None
    seller_id: str = ""

    @property
    def is_cancelled(self) -> bool:
        return self.status == "cancelled"

    @property
    def is_complete(self) -> bool:
        return self.status == "complete"

    def is_expired(self, now: datetime) -> bool:
        """Whether a `created` order has reached `expires_at`.

        An order in another status doesn't expire, such as a complete order, or one whose card's owner was
        asked for a further step.
        """
        return self.status == "created" and self.expires_at <= now

    def is_payable(self, now: datetime) -> bool:
        return not (self.is_cancelled or self.is_complete or self.is_expired(now))
