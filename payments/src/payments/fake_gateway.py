"""Fake payment provider: moves no money, but has the outcomes and the strictness of the real one.

The fake provider stores its intents in the collection `fake_provider_intents`, so that they survive a crash
of the service, as they would at a real provider. It accepts the names of Stripe's test tokens.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from common.base import times
from common.base.errors import DuplicateKey
from common.persistence.mongo import ASCENDING, Database, Document, Index
from payments.errors import BadToken, OutcomeUnknown, SettlementRefused
from payments.gateway import Charge, Intent, State

SLOW_SECONDS = 2.0
PAGE = 500


@dataclass(frozen=True, slots=True)
class _Plan:
    """Outcome of a token. `error`: The answer is a 500, saved for the idempotency key as any other answer."""

    state: State
    decline_reason: str = ""
    seconds: float = 0.0
    times_out: bool = False
    error: bool = False
    confirmed: State = State.AUTHORIZED


_DECLINED = "Your card was declined."
_PLANS = {
    "tok_visa": _Plan(State.AUTHORIZED),
    "tok_mastercard": _Plan(State.AUTHORIZED),
    "tok_chargeDeclined": _Plan(State.DECLINED, _DECLINED),
    "tok_chargeDeclinedInsufficientFunds": _Plan(State.DECLINED, "Your card has insufficient funds."),
    "tok_threeDSecure": _Plan(State.AWAITING),
    "tok_threeDSecureDeclined": _Plan(State.AWAITING, _DECLINED, confirmed=State.DECLINED),
    "tok_slow": _Plan(State.AUTHORIZED, seconds=SLOW_SECONDS),
    "tok_timeout": _Plan(State.AUTHORIZED, times_out=True),
    "tok_error": _Plan(State.PENDING, error=True),
}


class FakeGateway:
    """Gateway to the fake provider. `record`: The provider's own data, one document per idempotency key."""

    def __init__(self, database: Database) -> None:
        self.record = database["fake_provider_intents"]

    async def prepare(self) -> None:
        await self.record.create_indexes(
            [Index([("order_id", ASCENDING), ("attempt", ASCENDING)], name="of_attempt")]
        )

    async def close(self) -> None:
        return

    async def authorize(self, charge: Charge) -> Intent:
        intent_id = "pi_fake_" + hashlib.sha256(charge.key.encode()).hexdigest()[:24]
        known = await self.record.find_one({"_id": intent_id})
        if known is not None:
            return _answer(known)
        plan = _PLANS.get(charge.token)
        if plan is None:
            raise BadToken()
        await asyncio.sleep(plan.seconds)
        document = _document(intent_id, charge, plan)
        try:
            await self.record.insert_one(document)
        except DuplicateKey:
            # Two concurrent calls with one key: the other call has stored the intent.
            return _answer(await self._get(intent_id))
        if plan.times_out:
            raise OutcomeUnknown()
        return _answer(document)

    async def find(self, charge: Charge) -> Intent | None:
        document = await self.record.find_one(
            {"order_id": charge.order_id, "attempt": charge.attempt, "error": False}
        )
        return None if document is None else _intent(document)

    async def since(self, moment: datetime) -> AsyncIterator[Intent]:
        after, made, order = "", {"created_at": {"$gte": moment}}, [("_id", ASCENDING)]
        while page := await self.record.find({"_id": {"$gt": after}, **made}, sort=order, limit=PAGE):
            for document in page:
                if not document["error"]:
                    yield _intent(document)
            after = page[-1]["_id"]

    async def retrieve(self, intent_id: str) -> Intent | None:
        document = await self.record.find_one({"_id": intent_id, "error": False})
        return None if document is None else _intent(document)

    async def confirm(self, intent_id: str) -> Intent | None:
        """Takes the further step for the card's owner. The step passes or fails, as the token defines."""
        document = await self.record.find_one({"_id": intent_id})
        if document is not None:
            await self._move(intent_id, (State.AWAITING,), State(document["confirmed"]), "confirmations")
        return await self.retrieve(intent_id)

    async def capture(self, intent_id: str, key: str) -> None:
        if await self._move(intent_id, (State.AUTHORIZED,), State.CAPTURED, "captures", key):
            return
        if (await self._get(intent_id))["state"] != State.CAPTURED:
            raise SettlementRefused(f"{intent_id} can't be captured")

    async def void(self, intent_id: str, key: str) -> None:
        within = (State.AUTHORIZED, State.AWAITING, State.DECLINED)
        if await self._move(intent_id, within, State.VOIDED, "voids", key):
            return
        if (await self._get(intent_id))["state"] != State.VOIDED:
            raise SettlementRefused(f"{intent_id} can't be voided")

    async def _move(
        self, intent_id: str, within: tuple[State, ...], state: State, count: str, key: str = ""
    ) -> bool:
        moved = await self.record.find_one_and_update(
            {"_id": intent_id, "state": {"$in": [str(s) for s in within]}},
            {"$set": {"state": str(state), f"{count}_key": key}, "$inc": {count: 1}},
        )
        return moved is not None

    async def _get(self, intent_id: str) -> Document:
        document = await self.record.find_one({"_id": intent_id})
        if document is None:
            raise SettlementRefused(f"{intent_id} does not exist")
        return document


def _document(intent_id: str, charge: Charge, plan: _Plan) -> Document:
    return {
        "_id": intent_id,
        "key": charge.key,
        "order_id": charge.order_id,
        "attempt": charge.attempt,
        "amount_cents": charge.amount.cents,
        "created_at": times.now(),
        "state": str(plan.state),
        "confirmed": str(plan.confirmed),
        "words": plan.decline_reason,
        "error": plan.error,
        "captures": 0,
        "voids": 0,
    }


def _answer(document: Document) -> Intent:
    """Saved answer to the first call with a key. Raises OutcomeUnknown for a saved 500."""
    if document["error"]:
        raise OutcomeUnknown()
    return _intent(document)


def _intent(document: Document) -> Intent:
    state = State(document["state"])
    return Intent(
        id=document["_id"],
        order_id=document["order_id"],
        attempt=document["attempt"],
        state=state,
        decline_reason=document["words"] if state is State.DECLINED else "",
        client_secret=f"{document['_id']}_secret_fake" if state is State.AWAITING else None,
    )
