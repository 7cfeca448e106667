"""Fake payment provider after the capture: refunds, sellers' accounts, transfers to them, and disputes.

Each record has the hash of its idempotency key as its id, so it is made once. The token of the card that
paid decides how the provider answers:

| token | answer |
| --- | --- |
| `tok_refundTimeout` | the refund is made, and its answer is lost |
| `tok_refundError` | the first call is a 500, and nothing is done |
| `tok_refundSlow` | after 2 seconds |
| `tok_refundRefused` | no, for good |
| `tok_payoutTimeout` … `tok_payoutRefused` | the same of the transfer to the seller |
"""

import asyncio
import hashlib
from urllib.parse import urlsplit

from common.base import times
from common.base.errors import DuplicateKey
from common.base.money import Money
from common.persistence.mongo import ASCENDING, Collection, Database, Document, Index
from payments.errors import OutcomeUnknown, SettlementRefused
from payments.gateway import Account, Dispute, DisputeState, State, payout_key, refund_key

SLOW_SECONDS = 2.0
NEEDED = ("individual.verification.document", "external_account")
"""Needs of a new account, by the provider's names."""


class FakeExchange:
    """record: The provider's intents. refunds, transfers: One document each, with the number of `calls`."""

    def __init__(self, database: Database) -> None:
        self.record = database["fake_provider_intents"]
        self.refunds = database["fake_provider_refunds"]
        self.transfers = database["fake_provider_transfers"]
        self.accounts = database["fake_provider_accounts"]
        self.disputes = database["fake_provider_disputes"]
        self._errors = database["fake_provider_errors"]

    async def prepare(self) -> None:
        of_order = Index([("order_id", ASCENDING)], name="of_order")
        for collection in (self.refunds, self.transfers, self.disputes):
            await collection.create_indexes([of_order])

    async def refund(self, order_id: str, intent_id: str, amount: Money) -> None:
        intent = await self._captured(intent_id)
        if await self.disputes.find_one({"order_id": order_id, "state": {"$ne": str(DisputeState.WON)}}):
            raise SettlementRefused(f"{intent_id} is disputed")
        await self._make(self.refunds, "re", "tok_refund", refund_key(order_id), intent, amount)

    async def pay_out(self, order_id: str, intent_id: str, account_id: str, amount: Money) -> Money:
        if (made := await self.transfer_of(order_id)) is not None:
            return made
        intent = await self._captured(intent_id)
        account = await self.accounts.find_one({"_id": account_id})
        if account is None or not account["ready"] or amount.cents > intent["amount_cents"]:
            raise SettlementRefused(f"{account_id} can't be paid {amount}")
        key = payout_key(order_id)
        await self._make(self.transfers, "tr", "tok_payout", key, intent, amount, account_id=account_id)
        return await self.transfer_of(order_id) or amount

    async def transfer_of(self, order_id: str) -> Money | None:
        made = await self.transfers.find_one({"order_id": order_id})
        return None if made is None else Money(made["amount_cents"])

    async def open_account(self, user_id: str) -> Account:
        account_id = _id("acct", f"account:{user_id}")
        await _once(self.accounts, account_id, {"user_id": user_id, "ready": False, "due": list(NEEDED)})
        return await self.account(account_id) or Account(account_id, user_id, False, NEEDED)

    async def account(self, account_id: str) -> Account | None:
        document = await self.accounts.find_one({"_id": account_id})
        if document is None:
            return None
        return Account(document["_id"], document["user_id"], document["ready"], tuple(document["due"]))

    async def form(self, account_id: str, return_url: str) -> str:
        """A page of this service, which exists with the fake provider alone: `fake_form.py`."""
        site = return_url.removesuffix(urlsplit(return_url).path)
        return f"{site}/api/payments/fake/accounts/{account_id}"

    async def fill_in(self, account_id: str, *, is_ready: bool = True) -> None:
        """The owner gives what is needed, or the provider asks for it again."""
        fields = {"ready": is_ready, "due": [] if is_ready else list(NEEDED)}
        await self.accounts.update_one({"_id": account_id}, {"$set": fields})

    async def dispute(self, dispute_id: str) -> Dispute | None:
        document = await self.disputes.find_one({"_id": dispute_id})
        if document is None:
            return None
        return Dispute(document["_id"], document["intent_id"], DisputeState(document["state"]))

    async def disputed(self, intent_id: str, state: DisputeState = DisputeState.OPEN) -> str:
        """The card's owner disputes a captured intent, or the bank decides; returns the dispute's id.

        Does nothing for an intent that was refunded, or whose dispute is decided.
        """
        intent, dispute_id = await self._captured(intent_id), _id("dp", intent_id)
        if await self.refunds.find_one({"order_id": intent["order_id"]}) is None:
            amounts = {"order_id": intent["order_id"], "amount_cents": intent["amount_cents"]}
            await _once(self.disputes, dispute_id, {"intent_id": intent_id, "state": "open", **amounts})
            is_open = {"_id": dispute_id, "state": "open"}
            await self.disputes.update_one(is_open, {"$set": {"state": str(state)}})
        return dispute_id

    async def _captured(self, intent_id: str) -> Document:
        intent = await self.record.find_one({"_id": intent_id})
        if intent is None or intent["state"] != State.CAPTURED:
            raise SettlementRefused(f"{intent_id} is not captured")
        return intent

    async def _make(
        self,
        collection: Collection,
        prefix: str,
        tokens: str,
        key: str,
        intent: Document,
        amount: Money,
        **fields: str,
    ) -> None:
        """Makes a record once for its key, and answers as the token says that paid the intent."""
        token = intent.get("token", "")
        await self._answer(token, tokens, key)
        about = {"order_id": intent["order_id"], "intent_id": intent["_id"], "amount_cents": amount.cents}
        is_first = await _once(collection, _id(prefix, key), {**about, **fields})
        if is_first and token == f"{tokens}Timeout":
            raise OutcomeUnknown()

    async def _answer(self, token: str, prefix: str, key: str) -> None:
        """Answers before anything is done, as the token says."""
        if token == f"{prefix}Refused":
            raise SettlementRefused(f"{key} is refused")
        if token == f"{prefix}Slow":
            await asyncio.sleep(SLOW_SECONDS)
        if token == f"{prefix}Error" and await _once(self._errors, key, {}):
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
