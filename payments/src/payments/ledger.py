"""Double-entry ledger: each movement of money is two or more entries, whose sum is zero.

The entries of an order are stored in its payment, in the write that records the movement. The ledger is the
sum over all payments. A positive amount is money that an account has, a negative one is money that it owes:

| movement | entries |
| --- | --- |
| capture | provider +price, held -price |
| refund | held +price, refunds -price |
| payout | held +price, seller:{id} -(price less fee), fees -fee |
| loss | losses +price, refunds -price: the card's bank took back what the seller has already |

So for each order: captured + losses = refunds + paid out + fees + held.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum
from typing import Any

from common.base.money import Money

PROVIDER, HELD, REFUNDS, FEES, LOSSES = "provider", "held", "refunds", "fees", "losses"
_SELLER = "seller:"


class Movement(StrEnum):
    CAPTURE = "capture"
    REFUND = "refund"
    DISPUTE = "dispute"
    """A refund by the card's bank: the owner's dispute was lost."""
    PAYOUT = "payout"
    LOSS = "loss"


@dataclass(frozen=True, slots=True)
class Entry:
    movement: Movement
    account: str
    cents: int
    at: datetime


Entries = tuple[Entry, ...]


def seller(seller_id: str) -> str:
    """Account of what a seller was paid."""
    return f"{_SELLER}{seller_id}"


def captured(price: Money, at: datetime) -> Entries:
    return _moved(Movement.CAPTURE, at, {PROVIDER: price.cents, HELD: -price.cents})


def refunded(price: Money, at: datetime, *, by_bank: bool = False) -> Entries:
    movement = Movement.DISPUTE if by_bank else Movement.REFUND
    return _moved(movement, at, {HELD: price.cents, REFUNDS: -price.cents})


def paid_out(price: Money, amount: Money, seller_id: str, at: datetime) -> Entries:
    """amount: Received by the seller; the rest of the price is the fee."""
    fee = price.cents - amount.cents
    amounts = {HELD: price.cents, seller(seller_id): -amount.cents}
    return _moved(Movement.PAYOUT, at, amounts | ({FEES: -fee} if fee else {}))


def lost(price: Money, at: datetime) -> Entries:
    return _moved(Movement.LOSS, at, {LOSSES: price.cents, REFUNDS: -price.cents})


def paid_cents(entries: Entries) -> int:
    """Amount that the seller received."""
    return -sum(entry.cents for entry in entries if entry.account.startswith(_SELLER))


def less_fee(price: Money, percent: Decimal) -> Money:
    """The price less the fee, which is rounded down to a whole cent."""
    fee = (price.cents * percent / 100).to_integral_value(rounding=ROUND_FLOOR)
    return Money(price.cents - int(fee))


def to_documents(entries: Entries) -> list[dict[str, Any]]:
    return [
        {"movement": str(entry.movement), "account": entry.account, "cents": entry.cents, "at": entry.at}
        for entry in entries
    ]


def from_documents(documents: Sequence[Mapping[str, Any]]) -> Entries:
    return tuple(
        Entry(Movement(found["movement"]), found["account"], found["cents"], found["at"])
        for found in documents
    )


def _moved(movement: Movement, at: datetime, amounts: Mapping[str, int]) -> Entries:
    assert sum(amounts.values()) == 0
    return tuple(Entry(movement, account, cents, at) for account, cents in amounts.items())
