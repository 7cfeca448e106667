"""Dependencies of the use cases: repositories, payment provider, and the times to wait for it."""

from dataclasses import dataclass, field
from datetime import timedelta

from payments.declined_cards import DeclineLimits
from payments.gateway import PaymentGateway
from payments.repository import Repositories


@dataclass(frozen=True, slots=True)
class Timing:
    wait: timedelta = timedelta(seconds=5)
    """Time that a request waits for another request's attempt at the same order."""
    poll: timedelta = timedelta(milliseconds=50)
    """Time between two reads of that attempt."""
    grace: timedelta = timedelta(seconds=5)
    """Age of an attempt before the sweep checks it."""
    lease: timedelta = timedelta(seconds=60)
    """Time that the sweep reserves an attempt for one check. A check that takes longer may overlap with the
    next check. This is harmless, because each of its calls has an idempotency key."""
    give_up: timedelta = timedelta(seconds=60)
    """Age of an attempt from which the provider's answer "unknown" is final. Longer than any call takes."""
    first_pause: timedelta = timedelta(seconds=2)
    """Time between the sweep's first sight of an open payment and its first check of that payment."""


@dataclass(frozen=True, slots=True)
class PaymentContext:
    repositories: Repositories
    gateway: PaymentGateway
    timing: Timing = field(default_factory=Timing)
    limits: DeclineLimits = field(default_factory=DeclineLimits)
