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
    ENDED = gettext_noop("Expired or cancelled")
    """The APIs do not distinguish the two once the time to pay is over."""
    REFUNDED = gettext_noop("Refunded")


@dataclass(frozen=True, slots=True)
class Progress:
    """An order at the time `now`, by the server's clock."""

    order: Order
    now: datetime

    @property
    def stage(self) -> Stage:
        over = self.now >= self.order.expires_at
        match self.order.status:
            case "complete":
                return Stage.PAID
            case "awaiting:payment":
                return Stage.TO_CONFIRM
            case "cancelled" if self.order.payment is not None:
                return Stage.REFUNDED
            case "cancelled":
                return Stage.ENDED if over else Stage.CANCELLED
            case _:
                return Stage.EXPIRED if over else Stage.TO_PAY

    @property
    def is_open(self) -> bool:
        return self.stage in (Stage.TO_PAY, Stage.TO_CONFIRM)

    @property
    def seconds_left(self) -> int:
        return max(0, math.ceil((self.order.expires_at - self.now).total_seconds()))

    @property
    def clock(self) -> str:
        """The time left to pay: `14:59`."""
        return f"{self.seconds_left // 60:02d}:{self.seconds_left % 60:02d}"

    @property
    def now_millis(self) -> int:
        return int(self.now.timestamp() * 1000)

    @property
    def expires_millis(self) -> int:
        return int(self.order.expires_at.timestamp() * 1000)


LISTING_STATES = {
    "available": gettext_noop("For sale"),
    "held": gettext_noop("Reserved"),
    "sold": gettext_noop("Sold"),
    "withdrawn": gettext_noop("Withdrawn"),
}
"""Label of each ticket status."""

OVER = gettext_noop("Event over")


def is_off_sale(ticket: Ticket, now: datetime) -> bool:
    """Whether nobody can buy this free ticket any more, since the day of its event is over."""
    return ticket.status == "available" and ticket.is_over(now)


def listing_state(ticket: Ticket, now: datetime) -> tuple[str, str]:
    """Kind and label of a ticket's badge, the label before translation.

    The label is the status itself for one that is not known here.
    """
    if is_off_sale(ticket, now):
        return "over", OVER
    return ticket.status, LISTING_STATES.get(ticket.status, ticket.status)
