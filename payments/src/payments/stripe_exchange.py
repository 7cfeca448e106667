"""Stripe after the capture: refunds, sellers' accounts, transfers to them, and disputes.

`stripe_gateway.py` has the intents.

What was made is looked up before it is made: Stripe repeats a saved 500 for an idempotency key, and forgets
the key after a day.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import stripe
from stripe import StripeClient
from stripe.params import (
    AccountCreateParams,
    AccountLinkCreateParams,
    RefundCreateParams,
    TransferCreateParams,
)

from common.base.money import Money
from payments.errors import OutcomeUnknown, SettlementRefused
from payments.gateway import Account, Dispute, DisputeState, payout_key, refund_key

log = logging.getLogger(__name__)

LISTED = 100
NOT_FOUND = 404
CURRENCY = "usd"
_DISPUTES = {
    "lost": DisputeState.LOST,
    **dict.fromkeys(("won", "warning_closed", "prevented"), DisputeState.WON),
}
"""Ends of a dispute; it is open in any other status."""
_MADE = ("succeeded", "pending", "requires_action")
_CONFLICTS = frozenset({"idempotency_key_in_use", "lock_timeout"})

T = TypeVar("T")


class StripeExchange:
    def __init__(self, client: StripeClient) -> None:
        self._client = client

    async def refund(self, order_id: str, intent_id: str, amount: Money) -> None:
        """Refunds; after a saved 500, with a new key. Stripe gives no more back than the charge, with any."""
        params = refund_params(order_id, intent_id)
        for options in (keyed(refund_key(order_id)), stripe.RequestOptions()):
            if await self._is_refunded(intent_id, amount):
                return
            with suppress(OutcomeUnknown):
                try:
                    await ask(self._client.v1.refunds.create_async(params, options))
                except stripe.InvalidRequestError as error:
                    if not await self._is_refunded(intent_id, amount):
                        raise refusal(error) from error
        if not await self._is_refunded(intent_id, amount):
            raise OutcomeUnknown()

    async def pay_out(self, order_id: str, intent_id: str, account_id: str, amount: Money) -> Money:
        """Transfers from the charge. A saved 500 is never asked again with another key, for up to a day."""
        if (made := await self.transfer_of(order_id)) is not None:
            return made
        try:
            params = transfer_params(order_id, await self._charge_of(intent_id), account_id, amount)
            call = self._client.v1.transfers.create_async(params, keyed(payout_key(order_id)))
            made = Money((await ask(call)).amount)
        except OutcomeUnknown:
            if (made := await self.transfer_of(order_id)) is None:
                raise
        except stripe.InvalidRequestError as error:
            if (made := await self.transfer_of(order_id)) is None:
                raise refusal(error) from error
        return made

    async def transfer_of(self, order_id: str) -> Money | None:
        """A transfer that was reversed by hand counts: it is not made again."""
        listed = self._client.v1.transfers.list_async({"transfer_group": order_id, "limit": LISTED})
        try:
            made = (await ask(listed)).data
        except stripe.InvalidRequestError as error:
            raise refusal(error) from error
        return Money(made[-1].amount) if made else None

    async def _charge_of(self, intent_id: str) -> str:
        charge = (await ask(self._client.v1.payment_intents.retrieve_async(intent_id))).latest_charge
        if charge is None:
            raise SettlementRefused(f"{intent_id} has no charge")
        return charge if isinstance(charge, str) else charge.id

    async def open_account(self, user_id: str) -> Account:
        made = self._client.v1.accounts.create_async(account_params(user_id), keyed(f"account:{user_id}"))
        try:
            return _account((await ask(made)).to_dict()) or Account("", user_id, False, ())
        except stripe.InvalidRequestError as error:
            log.exception("Stripe makes no account")
            raise OutcomeUnknown() from error

    async def account(self, account_id: str) -> Account | None:
        found = await self._find(self._client.v1.accounts.retrieve_async, account_id)
        return None if found is None else _account(found)

    async def form(self, account_id: str, return_url: str) -> str:
        made = self._client.v1.account_links.create_async(link_params(account_id, return_url))
        try:
            return (await ask(made)).url
        except stripe.InvalidRequestError as error:
            log.exception("Stripe makes no link")
            raise OutcomeUnknown() from error

    async def dispute(self, dispute_id: str) -> Dispute | None:
        found = await self._find(self._client.v1.disputes.retrieve_async, dispute_id)
        intent_id = None if found is None else found.get("payment_intent")
        if found is None or not isinstance(intent_id, str):
            return None
        return Dispute(found["id"], intent_id, _DISPUTES.get(found["status"], DisputeState.OPEN))

    async def _find(
        self, retrieve: Callable[[str], Awaitable[Any]], record_id: str
    ) -> Mapping[str, Any] | None:
        """A record by its id; None where there is none, or the platform may not read it."""
        if not record_id.isidentifier():
            return None
        try:
            found: Mapping[str, Any] = (await ask(retrieve(record_id))).to_dict()
        except stripe.InvalidRequestError as error:
            if error.http_status == NOT_FOUND:
                return None
            raise OutcomeUnknown() from error
        return found

    async def _is_refunded(self, intent_id: str, amount: Money) -> bool:
        """Whether all of it is given back, also by hand. Raises SettlementRefused after a failed refund."""
        listed = self._client.v1.refunds.list_async({"payment_intent": intent_id, "limit": LISTED})
        try:
            refunds = (await ask(listed)).data
        except stripe.InvalidRequestError as error:
            raise refusal(error) from error
        made = [refund for refund in refunds if refund.status in _MADE]
        if sum(refund.amount for refund in made) >= amount.cents:
            return True
        if len(made) < len(refunds):
            raise SettlementRefused(f"a refund of {intent_id} failed: make it by hand")
        return False


def refund_params(order_id: str, intent_id: str) -> RefundCreateParams:
    """Without an amount, the refund is all that is left."""
    return {"payment_intent": intent_id, "metadata": {"order_id": order_id}}


def transfer_params(order_id: str, charge_id: str, account_id: str, amount: Money) -> TransferCreateParams:
    return {
        "amount": amount.cents,
        "currency": CURRENCY,
        "destination": account_id,
        "source_transaction": charge_id,
        "transfer_group": order_id,
        "metadata": {"order_id": order_id},
    }


def account_params(user_id: str) -> AccountCreateParams:
    """An Express account, by the parameters that replace `type`: its owner is paid, and charges no card."""
    return {
        "controller": {
            "fees": {"payer": "application"},
            "losses": {"payments": "application"},
            "stripe_dashboard": {"type": "express"},
        },
        "capabilities": {"transfers": {"requested": True}},
        "metadata": {"user_id": user_id},
    }


def link_params(account_id: str, return_url: str) -> AccountLinkCreateParams:
    """An expired link leads back, too: the page has a button for a new one."""
    return {
        "account": account_id,
        "type": "account_onboarding",
        "refresh_url": return_url,
        "return_url": return_url,
    }


def _account(record: Mapping[str, Any]) -> Account | None:
    user_id = (record.get("metadata") or {}).get("user_id")
    if not user_id:
        return None
    can_receive = (record.get("capabilities") or {}).get("transfers") == "active"
    due = (record.get("requirements") or {}).get("currently_due") or ()
    return Account(record["id"], user_id, can_receive and bool(record.get("payouts_enabled")), tuple(due))


def refusal(error: stripe.InvalidRequestError) -> Exception:
    """A request that Stripe refuses for good; one that another request holds up is tried again."""
    if error.code in _CONFLICTS:
        return OutcomeUnknown()
    return SettlementRefused(str(error))


def keyed(key: str) -> stripe.RequestOptions:
    return {"idempotency_key": key}


async def ask(call: Awaitable[T]) -> T:
    """Awaits a call. Raises OutcomeUnknown for every error but CardError and InvalidRequestError."""
    try:
        return await call
    except (stripe.CardError, stripe.InvalidRequestError):
        raise
    except stripe.StripeError as error:
        log.warning("Stripe call failed, outcome unknown", extra={"error": repr(error)})
        raise OutcomeUnknown() from error
