"""Port to the payment provider: requests and possible answers.

`stripe_gateway.StripeGateway` is the real implementation. `fake_gateway.FakeGateway` is for laptops and
tests. One suite (`tests/test_gateway.py`) tests both.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from common.base.money import Money


class State(StrEnum):
    """State of an intent, the provider's record of one attempt to authorise an order's money."""

    PENDING = "pending"
    """Undecided: neither authorised nor declined."""
    AWAITING = "awaiting"
    """The card's owner has a further step to take (3-D Secure)."""
    AUTHORIZED = "authorized"
    DECLINED = "declined"
    CAPTURED = "captured"
    VOIDED = "voided"


@dataclass(frozen=True, slots=True)
class Charge:
    """One attempt to authorise an order's money.

    key: Idempotency key, stored before the first request to the provider.
    """

    order_id: str
    attempt: int
    key: str
    token: str
    amount: Money
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Intent:
    """Provider's record of one attempt.

    id: Empty for a decline that left no record at the provider.
    decline_reason: The provider's message for a decline.
    client_secret: Lets the card's owner take the further step with the provider's own page or script.
    """

    id: str
    order_id: str
    attempt: int
    state: State
    decline_reason: str = ""
    client_secret: str | None = None


class PaymentGateway(Protocol):
    """Payment provider. Its methods raise OutcomeUnknown if the provider is unreachable or silent."""

    async def authorize(self, charge: Charge) -> Intent:
        """Reserves the money without taking it. A second call with the same key returns the same intent.

        Raises BadToken for a token that the provider doesn't know.
        """
        ...

    async def find(self, charge: Charge) -> Intent | None:
        """Finds an attempt's intent at the provider, by order and attempt number; None if absent."""
        ...

    def since(self, moment: datetime) -> AsyncIterator[Intent]:
        """Reads every intent of an order that the provider made at `moment` or later, in no order.

        May include earlier ones.
        """
        ...

    async def retrieve(self, intent_id: str) -> Intent | None:
        """Reads an intent; None for an unknown one, or one that belongs to no order."""
        ...

    async def confirm(self, intent_id: str) -> Intent | None:
        """Reads an intent after its owner reports the further step as taken; None as in `retrieve`."""
        ...

    async def capture(self, intent_id: str, key: str) -> None:
        """Takes the authorised money; idempotent. Raises SettlementRefused for a voided or unknown intent."""
        ...

    async def void(self, intent_id: str, key: str) -> None:
        """Releases reserved money; idempotent. Raises SettlementRefused for a captured or unknown intent."""
        ...

    async def prepare(self) -> None:
        """Creates the gateway's indexes in the database, if it has any."""
        ...

    async def close(self) -> None: ...
