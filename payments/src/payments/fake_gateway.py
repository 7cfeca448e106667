"""Fake payment provider: moves no money, but has the outcomes and the strictness of the real one.

The fake provider stores its intents in the collection `fake_provider_intents`, so that they survive a crash
of the service, as they would at a real provider. It accepts the names of Stripe's test tokens.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from common.base import times
from common.base.errors import DuplicateKey
from common.base.money import Money
from common.persistence.mongo import ASCENDING, Database, Document, Index
from payments.errors import BadToken, OutcomeUnknown, SettlementRefused
from payments.fake_exchange import SLOW_SECONDS, FakeExchange
from payments.gateway import Intent, State, intent_key

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


_LATER = tuple(
    f"tok_{call}{answer}"
    for call in ("refund", "payout")
    for answer in ("Timeout", "Error", "Slow", "Refused")
)
"""Cards that are accepted, and whose provider answers a later call in another way: see `fake_exchange`."""
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
    **dict.fromkeys(_LATER, _Plan(State.AUTHORIZED)),
}
_FOR_A_CARD = (str(State.PENDING), str(State.DECLINED))
_LIVE = (str(State.AUTHORIZED), str(State.AWAITING), *_FOR_A_CARD)


class FakeGateway(FakeExchange):
    """Gateway to the fake provider. `record`: The provider's own data, one document an intent.

    `answers` of a document are those saved for the keys of its confirmations.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)

    async def prepare(self) -> None:
        await super().prepare()
        await self.record.create_indexes(
            [Index([("order_id", ASCENDING), ("attempt", ASCENDING)], name="of_attempt")]
        )

    async def close(self) -> None:
        return

    async def create(self, order_id: str, number: int, amount: Money) -> Intent:
        document = _document(order_id, number, amount)
        try:
            await self.record.insert_one(document)
        except DuplicateKey:
            document = await self._get(document["_id"])
        return _intent(document)

    async def confirm(self, intent_id: str, key: str, token: str) -> Intent:
        plan = _PLANS.get(token)
        if plan is None:
            raise BadToken()
        await asyncio.sleep(plan.seconds)
        answer = {"key": key, "state": str(plan.state), "error": plan.error}
        change = {} if plan.error else _outcome(plan, key, token)
        confirmed = await self.record.find_one_and_update(
            {"_id": intent_id, "state": {"$in": list(_FOR_A_CARD)}, "answers.key": {"$ne": key}},
            {"$push": {"answers": answer}, **({"$set": change} if change else {})},
        )
        if confirmed is not None:
            if plan.error or plan.times_out:
                raise OutcomeUnknown()
            return _intent({**confirmed, **change})
        document = await self._get(intent_id)
        if any(saved["key"] == key and saved["error"] for saved in document.get("answers", [])):
            raise OutcomeUnknown()
        return _intent(document)

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

    async def after_step(self, intent_id: str) -> Intent | None:
        """Takes the further step for the card's owner. The step passes or fails, as the token defines."""
        document = await self.record.find_one({"_id": intent_id})
        if document is not None:
            await self._move(intent_id, (str(State.AWAITING),), State(document["confirmed"]), "confirmations")
        return await self.retrieve(intent_id)

    async def capture(self, intent_id: str, key: str) -> None:
        if await self._move(intent_id, (str(State.AUTHORIZED),), State.CAPTURED, "captures", key):
            return
        if (await self._get(intent_id))["state"] != State.CAPTURED:
            raise SettlementRefused(f"{intent_id} can't be captured")

    async def void(self, intent_id: str, key: str) -> None:
        if await self._move(intent_id, _LIVE, State.VOIDED, "voids", key):
            return
        if (await self._get(intent_id))["state"] != State.VOIDED:
            raise SettlementRefused(f"{intent_id} can't be voided")

    async def _move(
        self, intent_id: str, within: tuple[str, ...], state: State, count: str, key: str = ""
    ) -> bool:
        moved = await self.record.find_one_and_update(
            {"_id": intent_id, "state": {"$in": list(within)}},
            {"$set": {"state": str(state), f"{count}_key": key}, "$inc": {count: 1}},
        )
        return moved is not None

    async def _get(self, intent_id: str) -> Document:
        document = await self.record.find_one({"_id": intent_id})
        if document is None:
            raise SettlementRefused(f"{intent_id} does not exist")
        return document


def _document(order_id: str, number: int, amount: Money) -> Document:
    key = intent_key(order_id)
    return {
        "_id": "pi_fake_" + hashlib.sha256(key.encode()).hexdigest()[:24],
        "key": key,
        "order_id": order_id,
        "attempt": number,
        "amount_cents": amount.cents,
        "created_at": times.now(),
        "state": str(State.PENDING),
        "confirmed": str(State.AUTHORIZED),
        "words": "",
        "error": False,
        "captures": 0,
        "voids": 0,
        "answers": [],
    }


def _outcome(plan: _Plan, key: str, token: str) -> Document:
    """Fields that a confirmed card sets. The decline at a further step has the key of the card, too."""
    return {
        "state": str(plan.state),
        "confirmed": str(plan.confirmed),
        "words": plan.decline_reason,
        "decline_id": key,
        "token": token,
    }


def _intent(document: Mapping[str, Any]) -> Intent:
    state = State(document["state"])
    is_declined = state is State.DECLINED
    return Intent(
        id=document["_id"],
        order_id=document["order_id"],
        number=document["attempt"],
        state=state,
        decline_reason=document["words"] if is_declined else "",
        client_secret=f"{document['_id']}_secret_fake" if state is State.AWAITING else None,
        decline_id=document.get("decline_id", document["key"]) if is_declined else "",
    )
