"""HTTP → command → schema."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from common.http.body import describes, json_body
from common.http.rendering import JSON, json_response
from common.identity import SignedIn
from orders import commands
from orders.repository import Repositories
from orders.schemas import ORDERS, Cursor, OrderInput, OrderOutput

router = APIRouter(prefix="/api/orders", tags=["orders"])

MAX_LIMIT = 100


async def _repositories(request: Request) -> Repositories:
    repositories: Repositories = request.app.state.repositories
    return repositories


Stores = Annotated[Repositories, Depends(_repositories)]
Body = Annotated[OrderInput, json_body(OrderInput)]


@router.get("", responses={200: {"model": list[OrderOutput]}})
async def index(
    user: SignedIn,
    stores: Stores,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = MAX_LIMIT,
    cursor: Cursor | None = None,
) -> Response:
    orders = await stores.orders.of_buyer(user.id, limit + 1, cursor)
    shown = orders[:limit]
    headers = {}
    if len(orders) > limit:
        headers["Link"] = f'<{router.prefix}?limit={limit}&cursor={shown[-1].id}>; rel="next"'
    content = ORDERS.dump_json([OrderOutput.of(order) for order in shown], by_alias=True)
    return Response(content, headers=headers, media_type=JSON)


@router.get("/{order_id}", responses={200: {"model": OrderOutput}})
async def show(user: SignedIn, order_id: str, stores: Stores) -> Response:
    return json_response(OrderOutput.of(await commands.own(stores.orders, user, order_id)))


@router.post("", responses={201: {"model": OrderOutput}}, openapi_extra=describes(OrderInput))
async def create(user: SignedIn, body: Body, stores: Stores, request: Request) -> Response:
    hold: timedelta = request.app.state.hold
    order = await commands.place(stores, user, body.ticket_id, hold)
    return json_response(OrderOutput.of(order), 201)


@router.delete("/{order_id}", status_code=204)
async def cancel(user: SignedIn, order_id: str, stores: Stores) -> Response:
    await commands.cancel(stores.orders, user, order_id)
    return Response(status_code=204)
