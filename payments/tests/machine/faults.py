"""Faults of one step: at the nth boundary that the step passes, it fails, or something else happens.

Each provider call and each save has two boundaries, one before it and one after it.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TypeAlias

from common.base.errors import Outage
from common.base.money import Money
from payments.errors import BadToken, OutcomeUnknown
from payments.fake_gateway import FakeGateway
from payments.gateway import Account, Dispute, Intent

LOST, LATE, KILLED = "lost", "late", "killed"
FAILURES = (LOST, LATE, KILLED)
"""`LOST`: The call or the save raises. `LATE`: The call raises, and the card is confirmed later.
`KILLED`: The process dies."""

Card: TypeAlias = tuple[str, str, str]
"""Intent, idempotency key and token of a confirmation."""

Meanwhile = Callable[[str], Awaitable[None]]
"""Lets something else happen, by its name."""


class Killed(BaseException):
    """End of the process. No handler of an exception catches it."""


class Late(OutcomeUnknown):
    """The request is under way: the caller has no answer, and the provider acts on it later."""


class Faults:
    """`plan`: Event by the number of the boundary. Empties itself as the boundaries are passed."""

    def __init__(self, meanwhile: Meanwhile) -> None:
        self._meanwhile = meanwhile
        self._plan: dict[int, str] = {}
        self._passed = 0

    def expect(self, plan: Mapping[int, str]) -> None:
        self._plan, self._passed = dict(plan), 0

    async def pass_call(self) -> None:
        """A boundary of a provider call. Raises OutcomeUnknown, Late or Killed."""
        event = self._next()
        if event == LOST:
            raise OutcomeUnknown()
        if event == LATE:
            raise Late()
        if event == KILLED:
            raise Killed()
        if event is not None:
            await self._meanwhile(event)

    def pass_save(self, _point: str) -> None:
        """A boundary of a save. Raises Outage or Killed. Nothing else can happen here: it does not wait."""
        event = self._next()
        if event == KILLED:
            raise Killed()
        if event in (LOST, LATE):
            raise Outage("the database did not answer")

    def _next(self) -> str | None:
        event = self._plan.pop(self._passed, None)
        self._passed += 1
        return event


class FaultyGateway(FakeGateway):
    """Fake provider behind a network with faults. `under_way`: Requests on which it will act later."""

    faults: Faults
    under_way: list[Card]

    async def create(self, order_id: str, number: int, amount: Money) -> Intent:
        await self.faults.pass_call()
        intent = await super().create(order_id, number, amount)
        await self.faults.pass_call()
        return intent

    async def confirm(self, intent_id: str, key: str, token: str) -> Intent:
        try:
            await self.faults.pass_call()
        except Late:
            self.under_way.append((intent_id, key, token))
            raise
        intent = await super().confirm(intent_id, key, token)
        await self.faults.pass_call()
        return intent

    async def retrieve(self, intent_id: str) -> Intent | None:
        await self.faults.pass_call()
        return await super().retrieve(intent_id)

    async def capture(self, intent_id: str, key: str) -> None:
        await self.faults.pass_call()
        await super().capture(intent_id, key)
        await self.faults.pass_call()

    async def void(self, intent_id: str, key: str) -> None:
        await self.faults.pass_call()
        await super().void(intent_id, key)
        await self.faults.pass_call()

    async def refund(self, order_id: str, intent_id: str, amount: Money) -> None:
        await self.faults.pass_call()
        await super().refund(order_id, intent_id, amount)
        await self.faults.pass_call()

    async def pay_out(self, order_id: str, intent_id: str, account_id: str, amount: Money) -> Money:
        await self.faults.pass_call()
        made = await super().pay_out(order_id, intent_id, account_id, amount)
        await self.faults.pass_call()
        return made

    async def transfer_of(self, order_id: str) -> Money | None:
        await self.faults.pass_call()
        return await super().transfer_of(order_id)

    async def account(self, account_id: str) -> Account | None:
        await self.faults.pass_call()
        return await super().account(account_id)

    async def dispute(self, dispute_id: str) -> Dispute | None:
        await self.faults.pass_call()
        return await super().dispute(dispute_id)

    async def act_late(self) -> None:
        """Acts on the requests that are under way. Each answer is lost."""
        requests, self.under_way = self.under_way, []
        for card in requests:
            with suppress(OutcomeUnknown, BadToken):
                await super().confirm(*card)
