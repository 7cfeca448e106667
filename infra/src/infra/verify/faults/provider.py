"""Fake payment provider that ends the process before or after one of its calls.

| point                            | done, and not done                                              |
| -------------------------------- | --------------------------------------------------------------- |
| before-create                    | the charge is stored; the provider knows nothing                 |
| after-create                     | the provider made the intent; its id is not stored               |
| before-authorize                 | the card's confirmation is stored; the provider knows no card    |
| after-authorize                  | the provider reserved the money; no payment is stored            |
| before-capture, before-void      | the order's end is stored; the money is reserved                 |
| after-capture, after-void        | the provider moved the money; the payment says it is reserved    |
"""

from common.base.crash_points import reached
from common.base.money import Money
from payments.fake_gateway import FakeGateway
from payments.gateway import Intent

POINTS = (
    "before-create",
    "after-create",
    "before-authorize",
    "after-authorize",
    "before-capture",
    "after-capture",
    "before-void",
    "after-void",
)


class CrashingGateway(FakeGateway):
    async def create(self, order_id: str, number: int, amount: Money) -> Intent:
        reached("before-create")
        intent = await super().create(order_id, number, amount)
        reached("after-create")
        return intent

    async def confirm(self, intent_id: str, key: str, token: str) -> Intent:
        reached("before-authorize")
        try:
            return await super().confirm(intent_id, key, token)
        finally:
            # Also for a card whose answer is lost, or that is declined.
            reached("after-authorize")

    async def capture(self, intent_id: str, key: str) -> None:
        reached("before-capture")
        await super().capture(intent_id, key)
        reached("after-capture")

    async def void(self, intent_id: str, key: str) -> None:
        reached("before-void")
        await super().void(intent_id, key)
        reached("after-void")
