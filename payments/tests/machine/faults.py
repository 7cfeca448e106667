"""Faults of one step: at the nth boundary that the step passes, it fails, or something else happens.

Each provider call and each save has two boundaries, one before it and one after it.
"""

from collections.abc import Awaitable, Callable, Mapping

from common.base.errors import Outage
from payments.errors import OutcomeUnknown
from payments.fake_gateway import FakeGateway
from payments.gateway import Charge, Intent

LOST, LATE, KILLED = "lost", "late", "killed"
FAILURES = (LOST, LATE, KILLED)
"""`LOST`: The call or the save raises. `LATE`: The call raises, and an authorisation is made later.
`KILLED`: The process dies."""

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
    under_way: list[Charge]

    async def authorize(self, charge: Charge) -> Intent:
        try:
            await self.faults.pass_call()
        except Late:
            self.under_way.append(charge)
            raise
        intent = await super().authorize(charge)
        await self.faults.pass_call()
        return intent

    async def find(self, charge: Charge) -> Intent | None:
        await self.faults.pass_call()
        return await super().find(charge)

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

    async def act_late(self) -> None:
        """Acts on the requests that are under way. Each answer is lost."""
        requests, self.under_way = self.under_way, []
        for charge in requests:
            try:
                await super().authorize(charge)
            except OutcomeUnknown:
                continue
