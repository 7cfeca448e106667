"""What the use cases share: the stores, the provider, and how long to wait for it."""

from dataclasses import dataclass, field
from datetime import timedelta

from payments.gateway import PaymentGateway
from payments.repository import Repositories


@dataclass(frozen=True, slots=True)
class Timing:
    wait: timedelta = timedelta(seconds=5)
    """How long a request waits for another request's attempt at the same order."""
    poll: timedelta = timedelta(milliseconds=50)
    grace: timedelta = timedelta(seconds=5)
    """How long an attempt is left to its request before the sweep looks at it."""
    lease: timedelta = timedelta(seconds=60)
    """Longer than a look at the provider takes, its retries included."""
    give_up: timedelta = timedelta(seconds=60)
    """How old an attempt is, at least, when the provider's saying that it never came is believed.

    Longer than any call of it can be under way.
    """


@dataclass(frozen=True, slots=True)
class Desk:
    repositories: Repositories
    gateway: PaymentGateway
    timing: Timing = field(default_factory=Timing)
