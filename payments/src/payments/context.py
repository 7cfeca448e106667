"""Dependencies of the use cases: repositories, payment provider, and the times to wait for it."""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from payments.declined_cards import DeclineLimits
from payments.gateway import PaymentGateway
from payments.repository import Repositories


@dataclass(frozen=True, slots=True)
class Timing:
    wait: timedelta = timedelta(seconds=5)
    """Time that a request waits for another request's card at the same order."""
    poll: timedelta = timedelta(milliseconds=50)
    """Time between two reads of that card's outcome."""
    grace: timedelta = timedelta(seconds=5)
    """Age of a card's confirmation before the sweep looks for its outcome."""
    lease: timedelta = timedelta(seconds=60)
    """Time that the sweep reserves a charge for one look. A look that takes longer may overlap with the next
    one. This is harmless: an intent reserves money once."""
    first_pause: timedelta = timedelta(seconds=2)
    """Time between the sweep's first sight of an open payment and its first check of that payment."""


@dataclass(frozen=True, slots=True)
class PaymentContext:
    repositories: Repositories
    gateway: PaymentGateway
    timing: Timing = field(default_factory=Timing)
    limits: DeclineLimits = field(default_factory=DeclineLimits)
    fee_percent: Decimal = Decimal(0)
    """Of the price; what a seller is paid is the rest."""
    public_url: str = ""
    """The site's own address; "" makes relative links."""
