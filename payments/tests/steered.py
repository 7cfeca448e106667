"""The fake gateway, stopped, failed or overtaken at any point that a test chooses."""

from collections.abc import Awaitable, Callable

from payments.errors import OutcomeUnknown
from payments.fake_gateway import FakeGateway
from payments.gateway import Charge, Intent

Hook = Callable[[], Awaitable[None]]


async def nothing() -> None:
    return


class SteeredGateway(FakeGateway):
    """Each hook runs at its moment; `down` has every call end in OutcomeUnknown."""

    down = False
    authorizations = 0
    captures = 0
    voids = 0
    before_authorize: Hook = staticmethod(nothing)
    after_authorize: Hook = staticmethod(nothing)
    before_capture: Hook = staticmethod(nothing)
    after_capture: Hook = staticmethod(nothing)
    before_void: Hook = staticmethod(nothing)
    after_void: Hook = staticmethod(nothing)

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
