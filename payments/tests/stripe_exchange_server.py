"""Stripe after the capture, in this process: refunds, transfers, connected accounts and disputes.

Shapes and rules: docs.stripe.com/api/refunds, /transfers, /accounts, /account_links, /disputes.
"""

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from tests.stripe_answers import Answer, Once, Record, listed, missing, refused


class StripeExchangeServer:
    """refunds, transfers, accounts, disputes: By id. fails: Whether the next refunds fail at the bank."""

    def __init__(self, intents: dict[str, Record], once: Once) -> None:
        self._intents, self._once = intents, once
        self.refunds: dict[str, Record] = {}
        self.fails = False
        self.transfers: dict[str, Record] = {}
        self.accounts: dict[str, Record] = {}
        self.disputes: dict[str, Record] = {}
        self.router = APIRouter(prefix="/v1")
        self.router.add_api_route("/refunds", self._refund, methods=["POST"])
        self.router.add_api_route("/refunds", self._refunds, methods=["GET"])

        self.router.add_api_route("/transfers", self._transfer, methods=["POST"])
        self.router.add_api_route("/transfers", self._transfers, methods=["GET"])
        self.router.add_api_route("/accounts", self._open, methods=["POST"])
        self.router.add_api_route("/accounts/{record_id}", self._account, methods=["GET"])
        self.router.add_api_route("/account_links", self._link, methods=["POST"])
        self.router.add_api_route("/disputes/{record_id}", self._dispute, methods=["GET"])

    def fill_in(self, account_id: str) -> None:
        """The account's owner fills in the form."""
        requirements: Record = {"currently_due": []}
        self.accounts[account_id] |= {"payouts_enabled": True, "requirements": requirements}
        self.accounts[account_id]["capabilities"] = {"transfers": "active"}

    def disputed(self, intent_id: str, status: str) -> str:
        dispute = {"id": f"dp_{intent_id}", "object": "dispute", "payment_intent": intent_id}
        self.disputes[dispute["id"]] = {**dispute, "status": status}
        return dispute["id"]

    def refund_by_hand(self, intent_id: str, cents: int) -> None:
        refund_id = f"re_{len(self.refunds) + 1:06}"
        status = "failed" if self.fails else "succeeded"
        fields = {"id": refund_id, "object": "refund", "payment_intent": intent_id, "amount": cents}
        self.refunds[refund_id] = {**fields, "status": status}

    def refunded(self, intent_id: str) -> int:
        """Cents that the card's owner has back."""
        made = (refund for refund in self.refunds.values() if refund["payment_intent"] == intent_id)
        return sum(refund["amount"] for refund in made if refund["status"] == "succeeded")

    async def _refund(self, request: Request) -> Response:
        async def act(form: Mapping[str, str]) -> Answer:
            intent = self._intents.get(form["payment_intent"])
            if intent is None:
                return 404, missing("payment_intent", form["payment_intent"])
            if intent["status"] != "succeeded":
                return refused("charge_not_captured", "This PaymentIntent has no successful charge")
            if any(found["payment_intent"] == intent["id"] for found in self.disputes.values()):
                return refused("charge_disputed", "Charge has been charged back.")
            left = intent["amount"] - self.refunded(intent["id"])
            if not left:
                return refused("charge_already_refunded", "Charge has already been refunded.")
            self.refund_by_hand(intent["id"], left)
            return 200, list(self.refunds.values())[-1]

        return await self._once(request, act)

    async def _refunds(self, request: Request) -> Response:
        of = request.query_params["payment_intent"]
        found = [refund for refund in reversed(self.refunds.values()) if refund["payment_intent"] == of]
        return JSONResponse(listed("/v1/refunds", found))

    async def _transfer(self, request: Request) -> Response:
        async def act(form: Mapping[str, str]) -> Answer:
            intent = self._intents[form["source_transaction"].removeprefix("ch_")]
            account = self.accounts.get(form["destination"])
            if account is None:
                return refused("resource_missing", "No such destination")
            if account["capabilities"].get("transfers") != "active":
                return refused(
                    "insufficient_capabilities_for_transfer", "Your destination account needs more"
                )
            made = (found for found in self.transfers.values() if found["intent"] == intent["id"])
            if int(form["amount"]) > intent["amount"] - sum(found["amount"] for found in made):
                return refused("transfer_source_balance_parameters_mismatch", "More than the charge")
            transfer_id = f"tr_{len(self.transfers) + 1:06}"
            fields = {"id": transfer_id, "object": "transfer", "amount": int(form["amount"])}
            about = {"transfer_group": form["transfer_group"], "destination": form["destination"]}
            self.transfers[transfer_id] = {**fields, **about, "intent": intent["id"]}
            return 200, fields

        return await self._once(request, act)

    async def _transfers(self, request: Request) -> Response:
        of = request.query_params["transfer_group"]
        found = [made for made in reversed(self.transfers.values()) if made["transfer_group"] == of]
        return JSONResponse(listed("/v1/transfers", found))

    async def _open(self, request: Request) -> Response:
        async def act(form: Mapping[str, str]) -> Answer:
            account_id = f"acct_{len(self.accounts) + 1:06}"
            self.accounts[account_id] = {
                "id": account_id,
                "object": "account",
                "metadata": {"user_id": form["metadata[user_id]"]},
                "capabilities": {"transfers": "inactive"},
                "payouts_enabled": False,
                "requirements": {"currently_due": ["external_account"]},
            }
            return 200, self.accounts[account_id]

        return await self._once(request, act)

    async def _link(self, request: Request) -> Response:
        async def act(form: Mapping[str, str]) -> Answer:
            if form["account"] not in self.accounts:
                return refused("resource_missing", "No such account")
            return 200, {"object": "account_link", "url": f"https://connect.test/{form['account']}"}

        return await self._once(request, act)

    async def _account(self, record_id: str) -> Response:
        return _found("account", record_id, self.accounts)

    async def _dispute(self, record_id: str) -> Response:
        return _found("dispute", record_id, self.disputes)


def _found(what: str, record_id: str, records: Mapping[str, Record]) -> Response:
    if record_id not in records:
        return JSONResponse(missing(what, record_id), 404)
    return JSONResponse(records[record_id])
