"""Routes of a complete order: its seller's sales, handing over, accepting, claims, refunds."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from common.http.body import describes, json_body
from common.http.rendering import JSON, json_response
from common.http.session import SignedIn
from orders.fulfilment import commands
from orders.fulfilment.schemas import SALES, AnswerInput, ClaimInput, ClaimOutput, SaleOutput
from orders.fulfilment.terms import Terms
from orders.repository import OrderRepository
from orders.ticket_schemas import Cursor

PATH = "/api/orders"
MAX_LIMIT = 100

ClaimBody = Annotated[ClaimInput, json_body(ClaimInput)]
AnswerBody = Annotated[AnswerInput, json_body(AnswerInput)]


def create_fulfilment_router(orders: OrderRepository, terms: Terms) -> APIRouter:
    """To be included before the routes of `/api/orders/{id}`."""
    router = APIRouter(prefix=PATH, tags=["orders"])

    @router.get("/sales", responses={200: {"model": list[SaleOutput]}})
    async def sales(
        user: SignedIn,
        limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = MAX_LIMIT,
        cursor: Cursor | None = None,
    ) -> Response:
        found = await orders.of_seller(user.id, limit + 1, cursor)
        shown = found[:limit]
        headers = {}
        if len(found) > limit:
            headers["Link"] = f'<{PATH}/sales?limit={limit}&cursor={shown[-1].id}>; rel="next"'
        content = SALES.dump_json([SaleOutput.of(order) for order in shown], by_alias=True)
        return Response(content, headers=headers, media_type=JSON)

    @router.get("/sales/{order_id}", responses={200: {"model": SaleOutput}})
    async def sale(user: SignedIn, order_id: str) -> Response:
        return json_response(SaleOutput.of(await commands.sale(orders, user, order_id)))

    @router.post("/{order_id}/delivery", status_code=204)
    async def deliver(user: SignedIn, order_id: str) -> Response:
        await commands.deliver(orders, user, order_id, terms)
        return Response(status_code=204)

    @router.post("/{order_id}/acceptance", status_code=204)
    async def accept(user: SignedIn, order_id: str) -> Response:
        await commands.accept(orders, user, order_id)
        return Response(status_code=204)

    @router.post("/{order_id}/refund", status_code=202)
    async def refund(user: SignedIn, order_id: str) -> Response:
        await commands.refund(orders, user, order_id)
        return Response(status_code=202)

    @router.post(
        "/{order_id}/claims", responses={201: {"model": ClaimOutput}}, openapi_extra=describes(ClaimInput)
    )
    async def claim(user: SignedIn, order_id: str, body: ClaimBody) -> Response:
        made = await commands.claim(orders, user, order_id, body.reason, body.words)
        return json_response(ClaimOutput.of(made), 201)

    @router.post("/{order_id}/claims/answer", status_code=204, openapi_extra=describes(AnswerInput))
    async def answer(user: SignedIn, order_id: str, body: AnswerBody) -> Response:
        await commands.answer(orders, user, order_id, body.words)
        return Response(status_code=204)

    return router
