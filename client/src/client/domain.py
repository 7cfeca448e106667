"""State of an order and of a listing, in the terms of its buyer or seller."""

import math
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from client.i18n import gettext_noop
from client.schemas import Order, Ticket


class Stage(StrEnum):
    """State of an order for its buyer. The value is the label of the list, before translation."""

    TO_PAY = gettext_noop("Awaiting payment")
    TO_CONFIRM = gettext_noop("Awaiting confirmation")
    EXPIRED = gettext_noop("Expired")
    PAID = gettext_noop("Paid")
    CANCELLED = gettext_noop("Cancelled")
    ENDED = gettext_noop("Ended")
    """Not paid, for a reason that was not stored: it ended in a release that did not."""
    DISPUTED = gettext_noop("In dispute")
    REFUNDING = gettext_noop("Refund on its way")
    REFUNDED = gettext_noop("Refunded")
    """The money was taken and given back. Of a voided payment nothing was taken."""


ENDS = {"cancelled": Stage.CANCELLED, "expired": Stage.EXPIRED}
"""Stage by the stored reason of an order's end."""


@dataclass(frozen=True, slots=True)
class Progress:
    """An order at the time `now`, by the server's clock."""

    order: Order
    now: datetime

    @property
    def stage(self) -> Stage:
        """The stage. An open order whose hold is over shows how it is about to end."""
        if self.order.payment == "refunded":
            return Stage.REFUNDED
        if self.order.fulfilment == "refunded":
            return Stage.ENDED if self.order.payment == "voided" else Stage.REFUNDING
        match self.order.status:
            case "complete":
                return Stage.DISPUTED if self.order.fulfilment == "disputed" else Stage.PAID
            case "cancelled":
                return ENDS.get(self.order.ended_because or "", Stage.ENDED)
            case _ if self._held_until is not None and self.now >= self._held_until:
                return Stage.EXPIRED
            case "awaiting:payment":
                return Stage.TO_CONFIRM
            case _:
                return Stage.TO_PAY

    @property
    def _held_until(self) -> datetime | None:
        """None where only the API could know: a release without `heldUntil`, a bank's further step."""
        if self.order.held_until is None and self.order.status == "created":
            return self.order.expires_at
        return self.order.held_until

    @property
    def is_counting(self) -> bool:
        """Whether the buyer has to act before a known time."""
        return self.is_open and self._held_until is not None

    @property
    def is_open(self) -> bool:
        return self.stage in (Stage.TO_PAY, Stage.TO_CONFIRM)

    @property
    def seconds_left(self) -> int:
        if self._held_until is None:
            return 0
        return max(0, math.ceil((self._held_until - self.now).total_seconds()))

    @property
    def clock(self) -> str:
        """The time left: `14:59`."""
        return f"{self.seconds_left // 60:02d}:{self.seconds_left % 60:02d}"

    @property
    def now_millis(self) -> int:
        return int(self.now.timestamp() * 1000)

    @property
    def end_millis(self) -> int:
        """End of the hold, in milliseconds since 1970; 0 where it is unknown."""
        return 0 if self._held_until is None else int(self._held_until.timestamp() * 1000)


REASONS = {
    "not-delivered": gettext_noop("I did not get the ticket"),
    "not-valid": gettext_noop("The ticket is not valid"),
    "not-as-described": gettext_noop("The ticket is not as described"),
    "event-cancelled": gettext_noop("The event is cancelled"),
}
"""Label of each reason of a claim."""

SALE_STATES = {
    "due": gettext_noop("To hand over"),
    "delivered": gettext_noop("Handed over"),
    "accepted": gettext_noop("Settled"),
    "disputed": gettext_noop("In dispute"),
    "refunded": gettext_noop("Refunded"),
}
"""Label of each state of a sale for its seller."""

STAGES = {
    "pending": gettext_noop("Not accepted yet"),
    "available": gettext_noop("To be paid out"),
    "paid": gettext_noop("Paid out"),
    "refunded": gettext_noop("Refunded"),
}
"""Label of each stage of a sale's money."""

LISTING_STATES = {
    "available": gettext_noop("For sale"),
    "held": gettext_noop("Reserved"),
    "sold": gettext_noop("Sold"),
    "withdrawn": gettext_noop("Withdrawn"),
}
"""Label of each ticket status."""

OVER = gettext_noop("Event over")


def is_off_sale(ticket: Ticket, now: datetime) -> bool:
    """Whether this free ticket is off sale because the day of its event is over."""
    return ticket.status == "available" and ticket.is_over(now)


def listing_state(ticket: Ticket, now: datetime) -> tuple[str, str]:
    """Kind and label of a ticket's badge, the label before translation.

    The label is the status itself for one that is not known here.
    """
    if is_off_sale(ticket, now):
        return "over", OVER
    return ticket.status, LISTING_STATES.get(ticket.status, ticket.status)
