"""Fake gateway that a test can stop, fail or overtake at any point."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime

from payments.errors import OutcomeUnknown
from payments.fake_gateway import FakeGateway
from payments.gateway import Charge, Intent

Hook = Callable[[], Awaitable[None]]


async def noop() -> None:
    return


class SteeredGateway(FakeGateway):
    """Fake gateway with a hook before and after each step. With `down`, every call raises OutcomeUnknown."""

    down = False
    authorizations = 0
    captures = 0
    voids = 0
    before_authorize: Hook = staticmethod(noop)
    after_authorize: Hook = staticmethod(noop)
    before_capture: Hook = staticmethod(noop)
    after_capture: Hook = staticmethod(noop)
    before_void: Hook = staticmethod(noop)
    after_void: Hook = staticmethod(noop)

    async def authorize(self, charge: Charge) -> Intent:
        self._reach()
        self.authorizations += 1
        await self.before_authorize()
        intent = await super().authorize(charge)
        await self.after_authorize()
        return intent

    async def find(self, charge: Charge) -> Intent | None:
        self._reach()
        return await super().find(charge)

    async def since(self, moment: datetime) -> AsyncIterator[Intent]:
        self._reach()
        async for intent in super().since(moment):
            yield intent

    async def retrieve(self, intent_id: str) -> Intent | None:
        self._reach()
        return await super().retrieve(intent_id)

    async def capture(self, intent_id: str, key: str) -> None:
        self._reach()
        self.captures += 1
        await self.before_capture()
        await super().capture(intent_id, key)
        await self.after_capture()

    async def void(self, intent_id: str, key: str) -> None:
        self._reach()
        self.voids += 1
        await self.before_void()
        await super().void(intent_id, key)
        await self.after_void()

    def _reach(self) -> None:
        if self.down:
            raise OutcomeUnknown()
