"""Stripe after the capture, in this process: refunds.

Shapes and rules: docs.stripe.com/api/refunds.
"""

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from tests.stripe_answers import Answer, Once, Record, listed, missing, refused


class StripeExchangeServer:
    """refunds: By id. fails: Whether the next refunds fail at the card's bank."""

    def __init__(self, intents: dict[str, Record], once: Once) -> None:
        self._intents, self._once = intents, once
        self.refunds: dict[str, Record] = {}
        self.fails = False
        self.router = APIRouter(prefix="/v1")
        self.router.add_api_route("/refunds", self._refund, methods=["POST"])
        self.router.add_api_route("/refunds", self._refunds, methods=["GET"])

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
