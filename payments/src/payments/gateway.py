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
    """State of an intent, the provider's record of one order's money."""

    PENDING = "pending"
    """No card was confirmed yet, or the outcome of the card is not known."""
    AWAITING = "awaiting"
    """The card's owner has a further step to take (3-D Secure)."""
    AUTHORIZED = "authorized"
    DECLINED = "declined"
    """The latest card was declined. The next card is confirmed on the same intent."""
    CAPTURED = "captured"
    VOIDED = "voided"


@dataclass(frozen=True, slots=True)
class Intent:
    """Provider's record of one order's money. It reserves the money of one card, once.

    number: 1; higher for an intent that the last release made.
    decline_reason: The provider's message for a decline.
    decline_id: Tells a decline from the intent's earlier ones; "" in any other state.
    client_secret: Lets the card's owner take the further step with the provider's own page or script.
    """

    id: str
    order_id: str
    number: int
    state: State
    decline_reason: str = ""
    client_secret: str | None = None
    decline_id: str = ""


class DisputeState(StrEnum):
    """State of a card owner's dispute at the provider, decided by the card's bank."""

    OPEN = "open"
    WON = "won"
    """The money stays with the marketplace."""
    LOST = "lost"
    """The card's owner has the money back."""


@dataclass(frozen=True, slots=True)
class Dispute:
    id: str
    intent_id: str
    state: DisputeState


@dataclass(frozen=True, slots=True)
class Account:
    """Seller's account at the provider.

    ready: Whether it can be paid. due: The provider's names of what it still needs of its owner.
    """

    id: str
    user_id: str
    ready: bool
    due: tuple[str, ...]


class PaymentGateway(Protocol):
    """Payment provider. Its methods raise OutcomeUnknown if the provider is unreachable or silent."""

    async def create(self, order_id: str, number: int, amount: Money) -> Intent:
        """Makes the order's intent, without a card, or returns the one that an earlier call made.

        Raises AmountRefused for an amount that the provider does not take.
        """
        ...

    async def confirm(self, intent_id: str, key: str, token: str) -> Intent:
        """Reserves the money with a card; returns the intent. A second call with the same key does nothing.

        An intent that is authorised, awaits its owner, or ended is returned unchanged, whatever the card.
        Raises BadToken for a token that the provider doesn't know.
        """
        ...

    def since(self, moment: datetime) -> AsyncIterator[Intent]:
        """Reads every intent of an order that the provider made at `moment` or later, in no order.

        May include earlier ones.
        """
        ...

    async def retrieve(self, intent_id: str) -> Intent | None:
        """Reads an intent; None for an unknown one, or one that belongs to no order."""
        ...

    async def after_step(self, intent_id: str) -> Intent | None:
        """Reads an intent after its owner reports the further step as taken; None as in `retrieve`."""
        ...

    async def capture(self, intent_id: str, key: str) -> None:
        """Takes the authorised money; idempotent. Raises SettlementRefused for a voided or unknown intent."""
        ...

    async def void(self, intent_id: str, key: str) -> None:
        """Cancels an intent and releases its money; idempotent.

        Raises SettlementRefused for a captured or unknown intent.
        """
        ...

    async def refund(self, order_id: str, intent_id: str, amount: Money) -> None:
        """Gives all of the captured money back; once, however often it is called.

        amount: All that was captured. A refund that was made by hand counts. Raises SettlementRefused where
        the provider refuses, or where its refund failed.
        """
        ...

    async def pay_out(self, order_id: str, intent_id: str, account_id: str, amount: Money) -> Money:
        """Transfers captured money to a seller's account; once an order, however often it is called.

        Returns the amount of the order's one transfer, which an earlier call may have made. Raises
        SettlementRefused where the provider refuses.
        """
        ...

    async def transfer_of(self, order_id: str) -> Money | None:
        """Amount of the order's transfer; None where there is none."""
        ...

    async def open_account(self, user_id: str) -> Account:
        """Makes an account for a seller."""
        ...

    async def account(self, account_id: str) -> Account | None:
        """Reads an account; None for an unknown one, or one that belongs to no user."""
        ...

    async def form(self, account_id: str, return_url: str) -> str:
        """Address of the provider's form for the account's owner, valid for some minutes.

        return_url: Where the form leads to at its end.
        """
        ...

    async def dispute(self, dispute_id: str) -> Dispute | None:
        """Reads a dispute; None for an unknown one."""
        ...

    async def prepare(self) -> None:
        """Creates the gateway's indexes in the database, if it has any."""
        ...

    async def close(self) -> None: ...


def intent_key(order_id: str) -> str:
    """Idempotency key of the order's one intent."""
    return f"order:{order_id}"


def refund_key(order_id: str) -> str:
    """Idempotency key of the order's one refund."""
    return f"refund:{order_id}"


def payout_key(order_id: str) -> str:
    """Idempotency key of the order's one transfer."""
    return f"payout:{order_id}"
