"""A provider that records its calls, and records of an order and its payment."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from common.base import times
from common.base.money import Money
from common.persistence.mongo import Database
from payments.charges import Charges
from payments.context import PaymentContext
from payments.domain import Charge, Payment
from payments.gateway import Intent, State

NOW = times.now()
Call = tuple[object, ...]


@dataclass
class Provider:
    """Calls of the provider, in order. `error`: Raised by captures and voids."""

    calls: list[Call] = field(default_factory=list)
    error: Exception | None = None

    async def create(self, order_id: str, number: int, amount: Money) -> Intent:
        self.calls.append(("create", order_id, number, amount))
        return Intent("pi_1", order_id, number, State.PENDING)

    async def capture(self, intent_id: str, key: str) -> None:
        self._settle("capture", intent_id, key)

    async def void(self, intent_id: str, key: str) -> None:
        self._settle("void", intent_id, key)

    def _settle(self, *call: str) -> None:
        self.calls.append(call)
        if self.error is not None:
            raise self.error


def an_intent(charge: Charge, state: State, intent_id: str = "pi_1", number: int = 1) -> Intent:
    return Intent(intent_id, charge.order_id, number, state, "no money", "secret", "ch_1")


async def end_order(database: Database, charge: Charge, status: str) -> None:
    await database["orders"].insert_one(
        {
            **{"_id": charge.order_id, "version": 1, "user_id": charge.user_id, "status": status},
            **{"price_cents": 1999, "expires_at": NOW},
        }
    )


async def paid(context: PaymentContext, charge: Charge) -> Payment:
    payment = await context.repositories.payments.of_order(charge.order_id)
    assert payment is not None
    return payment


def recorded(charges: Charges, monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """Calls that mark a card's confirmation as ended, with their arguments."""
    calls: list[Call] = []

    def wrapped(name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*arguments: object, **named: object) -> object:
            calls.append((name, *arguments, *sorted(named.items())))
            return await act(*arguments, **named)

        return call

    for name in ("finish", "decline"):
        monkeypatch.setattr(charges, name, wrapped(name, getattr(charges, name)))
    return calls
