"""A seller's balance and account for payouts, for pages that are shown without them too."""

import asyncio
from dataclasses import dataclass

from client.api import Api
from client.schemas import Balance, PayoutAccount
from common.base.errors import AppError


@dataclass(frozen=True, slots=True)
class Earnings:
    balance: Balance
    account: PayoutAccount

    @property
    def is_owed(self) -> bool:
        return bool(self.balance.pending.cents or self.balance.available.cents)


async def earnings(api: Api) -> Earnings | None:
    """None where payments refuses, doesn't answer, or is of a release without balances."""
    try:
        return Earnings(*await asyncio.gather(api.balance(), api.payout_account()))
    except AppError:
        return None
