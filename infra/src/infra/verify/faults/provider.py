"""Fake payment provider that ends the process before or after one of its calls.

| point                            | done, and not done                                              |
| -------------------------------- | --------------------------------------------------------------- |
| before-authorize                 | the attempt is stored; the provider knows nothing                |
| after-authorize                  | the provider reserved the money; no payment is stored            |
| before-capture, before-void      | the order's end is stored; the money is reserved                 |
| after-capture, after-void        | the provider moved the money; the payment says it is reserved    |
"""

from common.base.crash_points import reached
from payments.fake_gateway import FakeGateway
from payments.gateway import Charge, Intent

POINTS = (
    "before-authorize",
    "after-authorize",
    "before-capture",
    "after-capture",
    "before-void",
    "after-void",
)


class CrashingGateway(FakeGateway):
    async def authorize(self, charge: Charge) -> Intent:
        reached("before-authorize")
        try:
            return await super().authorize(charge)
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
