"""A provider that records its calls, and records of an order and its payment."""

from dataclasses import dataclass, field

from common.base import times
from common.base.money import Money
from common.persistence.mongo import Database
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
