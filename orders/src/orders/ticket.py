"""The ticket of an order."""

from dataclasses import dataclass

from common.base.money import Money
from common.contract.details import NO_DETAILS, Details


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as it was when it was ordered: the buyer pays this price."""

    id: str
    title: str
    price: Money
    details: Details = NO_DETAILS
