"""Dependencies of the use cases: repositories, the provider, and how long to wait for it."""

from dataclasses import dataclass, field
from datetime import timedelta

from payments.gateway import PaymentGateway
from payments.repository import Repositories


@dataclass(frozen=True, slots=True)
class Timing:
    wait: timedelta = timedelta(seconds=5)
    """Wait of a request for another request's attempt at the same order."""
    poll: timedelta = timedelta(milliseconds=50)
    grace: timedelta = timedelta(seconds=5)
    """Age of an attempt before the sweep checks it."""
    lease: timedelta = timedelta(seconds=60)
    """Time that a check of an attempt has to itself. One that takes longer may run beside the next: each of
    its calls has an idempotency key, so that is harmless."""
    give_up: timedelta = timedelta(seconds=60)
    """Age of an attempt from which the provider's answer "unknown" is final: longer than any call takes."""


@dataclass(frozen=True, slots=True)
class PaymentContext:
    repositories: Repositories
    gateway: PaymentGateway
    timing: Timing = field(default_factory=Timing)
