"""Fake payment provider after the capture: refunds.

Each record has the hash of its idempotency key as its id, so it is made once. The token of the card that
paid decides how the provider answers:

| token | answer |
| --- | --- |
| `tok_refundTimeout` | the refund is made, and its answer is lost |
| `tok_refundError` | the first call is a 500, and nothing is done |
| `tok_refundSlow` | after 2 seconds |
| `tok_refundRefused` | no, for good |
"""

import asyncio
import hashlib

from common.base import times
from common.base.errors import DuplicateKey
from common.base.money import Money
from common.persistence.mongo import ASCENDING, Collection, Database, Document, Index
from payments.errors import OutcomeUnknown, SettlementRefused
from payments.gateway import State, refund_key

SLOW_SECONDS = 2.0


class FakeExchange:
    """record: The provider's intents. refunds: One document a refund, with the number of `calls` for it."""

    def __init__(self, database: Database) -> None:
        self.record = database["fake_provider_intents"]
        self.refunds = database["fake_provider_refunds"]
        self.refusals = database["fake_provider_errors"]

    async def prepare(self) -> None:
        await self.refunds.create_indexes([Index([("order_id", ASCENDING)], name="of_order")])

    async def refund(self, order_id: str, intent_id: str, amount: Money) -> None:
        intent = await self.record.find_one({"_id": intent_id})
        if intent is None or intent["state"] != State.CAPTURED:
            raise SettlementRefused(f"{intent_id} can't be refunded")
        key, token = refund_key(order_id), intent.get("token", "")
        await self._answer(token, "tok_refund", key)
        amounts = {"order_id": order_id, "intent_id": intent_id, "amount_cents": amount.cents}
        is_first = await _once(self.refunds, _id("re", key), amounts)
        if is_first and token == "tok_refundTimeout":
            raise OutcomeUnknown()

    async def _answer(self, token: str, prefix: str, key: str) -> None:
        """Answers before anything is done, as the token says."""
        if token == f"{prefix}Refused":
            raise SettlementRefused(f"{key} is refused")
        if token == f"{prefix}Slow":
            await asyncio.sleep(SLOW_SECONDS)
        if token == f"{prefix}Error" and await _once(self.refusals, key, {}):
            raise OutcomeUnknown()


async def _once(collection: Collection, record_id: str, fields: Document) -> bool:
    """Makes a record, or counts a further call for it. Returns whether it was made."""
    try:
        await collection.insert_one({"_id": record_id, **fields, "created_at": times.now(), "calls": 1})
    except DuplicateKey:
        await collection.update_one({"_id": record_id}, {"$inc": {"calls": 1}})
        return False
    return True


def _id(prefix: str, key: str) -> str:
    return f"{prefix}_fake_{hashlib.sha256(key.encode()).hexdigest()[:24]}"
