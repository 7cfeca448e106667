"""Routes: HTTP request → command → response schema."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from common.base.errors import NotFound
from common.http.body import describes, json_body
from common.http.idempotency import creation_of
from common.http.rendering import JSON, json_response
from common.http.security_notes import notes
from common.http.session import SignedIn, Trader
from orders import commands
from orders.limits import Limits
from orders.receipts import Receipts
from orders.repository import Repositories
from orders.schemas import ORDERS, OrderInput, OrderOutput, PaidOrderOutput, ReceiptOutput
from orders.ticket_schemas import Cursor

PATH = "/api/orders"
MAX_LIMIT = 100

Body = Annotated[OrderInput, json_body(OrderInput)]


def create_router(
    repositories: Repositories, hold: timedelta, receipts: Receipts, limits: Limits
) -> APIRouter:
    router = APIRouter(prefix=PATH, tags=["orders"])
    orders = repositories.orders

    @router.get("", responses={200: {"model": list[OrderOutput]}})
    async def index(
        user: SignedIn,
        limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = MAX_LIMIT,
        cursor: Cursor | None = None,
    ) -> Response:
        found = await orders.of_buyer(user.id, limit + 1, cursor)
        shown = found[:limit]
        headers = {}
        if len(found) > limit:
            headers["Link"] = f'<{PATH}?limit={limit}&cursor={shown[-1].id}>; rel="next"'
        content = ORDERS.dump_json([OrderOutput.of(order, hold) for order in shown], by_alias=True)
        return Response(content, headers=headers, media_type=JSON)

    @router.get("/receipts/{code}", responses={200: {"model": PaidOrderOutput}})
    async def receipt(request: Request, code: str) -> Response:
        notes(request.scope).private = True
        found = receipts.verified(code)
        if found is None:
            raise NotFound()
        return json_response(PaidOrderOutput.of(await commands.paid(orders, found)))

    @router.get("/{order_id}/receipt", responses={200: {"model": ReceiptOutput}})
    async def receipt_of(user: SignedIn, order_id: str) -> Response:
        found = commands.receipt(await commands.own(orders, user, order_id))
        return json_response(ReceiptOutput.model_construct(code=receipts.code(found)))

    @router.get("/{order_id}", responses={200: {"model": OrderOutput}})
    async def show(user: SignedIn, order_id: str) -> Response:
        return json_response(OrderOutput.of(await commands.own(orders, user, order_id), hold))

    @router.post("", responses={201: {"model": OrderOutput}}, openapi_extra=describes(OrderInput))
    async def create(user: Trader, body: Body, request: Request) -> Response:
        creation = creation_of(request, user.id, body)
        order = await commands.place(repositories, user, body.ticket_id, hold, limits, body.price, creation)
        return json_response(OrderOutput.of(order, hold), 201)

    @router.delete("/{order_id}", status_code=204)
    async def cancel(user: SignedIn, order_id: str) -> Response:
        await commands.cancel(orders, user, order_id)
        return Response(status_code=204)

    return router
