"""Routes of the payments API: HTTP → command → schema."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from common.http.body import describes, json_body
from common.http.rendering import JSON, json_response
from common.http.session import SignedIn
from payments import commands, webhook
from payments.context import PaymentContext
from payments.schemas import ConfirmInput, PaymentInput, PaymentOutput

PaymentBody = Annotated[PaymentInput, json_body(PaymentInput)]
ConfirmBody = Annotated[ConfirmInput, json_body(ConfirmInput)]


def create_router(context: PaymentContext, webhook_secret: str) -> APIRouter:
    router = APIRouter(prefix="/api/payments", tags=["payments"])

    @router.post("", responses={201: {"model": PaymentOutput}}, openapi_extra=describes(PaymentInput))
    async def pay(user: SignedIn, body: PaymentBody) -> Response:
        payment = await commands.pay(context, user, body.order_id, body.token)
        return json_response(PaymentOutput.of(payment), 201)

    @router.post("/confirm", responses={200: {"model": PaymentOutput}}, openapi_extra=describes(ConfirmInput))
    async def confirm(user: SignedIn, body: ConfirmBody) -> Response:
        return json_response(PaymentOutput.of(await commands.confirm(context, user, body.order_id)))

    @router.post("/webhook")
    async def receive(request: Request) -> Response:
        """Receives the provider's events. The signature covers the raw body."""
        header = request.headers.get("stripe-signature", "")
        await webhook.take(context, webhook.verified(await request.body(), header, webhook_secret))
        return Response(b"{}", media_type=JSON)

    return router
