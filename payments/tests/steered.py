"""Fake gateway that a test can stop, fail or overtake at any point."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime

from common.base.money import Money
from payments.errors import OutcomeUnknown
from payments.fake_gateway import FakeGateway
from payments.gateway import Account, Dispute, Intent

Hook = Callable[[], Awaitable[None]]


async def noop() -> None:
    return


class SteeredGateway(FakeGateway):
    """Fake gateway with a hook before and after each step. With `down`, every call raises OutcomeUnknown."""

    down = False
    creations = 0
    confirmations = 0
    captures = 0
    voids = 0
    refunds_asked = 0
    payouts_asked = 0
    before_create: Hook = staticmethod(noop)
    before_confirm: Hook = staticmethod(noop)
    after_confirm: Hook = staticmethod(noop)
    before_capture: Hook = staticmethod(noop)
    after_capture: Hook = staticmethod(noop)
    before_void: Hook = staticmethod(noop)
    after_void: Hook = staticmethod(noop)
    before_refund: Hook = staticmethod(noop)
    after_refund: Hook = staticmethod(noop)
    before_payout: Hook = staticmethod(noop)
    after_payout: Hook = staticmethod(noop)

    async def create(self, order_id: str, number: int, amount: Money) -> Intent:
        self._reach()
        self.creations += 1
        await self.before_create()
        return await super().create(order_id, number, amount)

    async def confirm(self, intent_id: str, key: str, token: str) -> Intent:
        self._reach()
        self.confirmations += 1
        await self.before_confirm()
        intent = await super().confirm(intent_id, key, token)
        await self.after_confirm()
        return intent

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

    async def refund(self, order_id: str, intent_id: str, amount: Money) -> None:
        self._reach()
        self.refunds_asked += 1
        await self.before_refund()
        await super().refund(order_id, intent_id, amount)
        await self.after_refund()

    async def pay_out(self, order_id: str, intent_id: str, account_id: str, amount: Money) -> Money:
        self._reach()
        self.payouts_asked += 1
        await self.before_payout()
        made = await super().pay_out(order_id, intent_id, account_id, amount)
        await self.after_payout()
        return made

    async def transfer_of(self, order_id: str) -> Money | None:
        self._reach()
        return await super().transfer_of(order_id)

    async def open_account(self, user_id: str) -> Account:
        self._reach()
        return await super().open_account(user_id)

    async def account(self, account_id: str) -> Account | None:
        self._reach()
        return await super().account(account_id)

    async def dispute(self, dispute_id: str) -> Dispute | None:
        self._reach()
        return await super().dispute(dispute_id)

    def _reach(self) -> None:
        if self.down:
            raise OutcomeUnknown()
