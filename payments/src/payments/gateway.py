"""What this service asks of a payment provider, and what a provider may answer.

`stripe_gateway.StripeGateway` is the real one, `fake_gateway.FakeGateway` that of laptops and tests; one
suite (`tests/test_gateway.py`) runs over both.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from common.base.money import Money


class State(StrEnum):
    """Of an intent, the provider's record of one attempt at an order's money."""

    PENDING = "pending"
    """Not decided: neither authorised nor refused."""
    AWAITING = "awaiting"
    """The card's owner has a further step to take (3-D Secure)."""
    AUTHORIZED = "authorized"
    DECLINED = "declined"
    CAPTURED = "captured"
    VOIDED = "voided"


@dataclass(frozen=True, slots=True)
class Charge:
    """One attempt at the money of an order. `key` is stored before the provider first hears of it."""

    order_id: str
    attempt: int
    key: str
    token: str
    amount: Money
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Intent:
    """`id` is empty for a refusal that left no record; `words` are the provider's, for a refusal.

    `client_secret` lets the card's owner take the further step with the provider's own page or script.
    """

    id: str
    order_id: str
    attempt: int
    state: State
    words: str = ""
    client_secret: str | None = None


class PaymentGateway(Protocol):
    """Every method raises `errors.OutcomeUnknown` when the provider can't be asked or didn't answer."""

    async def authorize(self, charge: Charge) -> Intent:
        """Reserves the money without taking it; again with the same key: the same intent.

        Raises BadToken for a token that the provider doesn't know.
        """
        ...

    async def find(self, charge: Charge) -> Intent | None:
        """The intent that an attempt left at the provider, by order and attempt."""
        ...

    async def retrieve(self, intent_id: str) -> Intent | None:
        """None for an intent that isn't there, or isn't of an order."""
        ...

    async def confirm(self, intent_id: str) -> Intent | None:
        """As `retrieve`, once the card's owner says that the further step is taken."""
        ...

    async def capture(self, intent_id: str, key: str) -> None:
        """Takes the authorised money; again: nothing more. Raises SettlementRefused if it was voided."""
        ...

    async def void(self, intent_id: str, key: str) -> None:
        """Gives the reserved money back; again: nothing more. Raises SettlementRefused if it was taken."""
        ...

    async def prepare(self) -> None:
        """Creates what the gateway keeps in the database, if anything."""
        ...

    async def close(self) -> None: ...
