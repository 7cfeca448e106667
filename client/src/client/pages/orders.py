"""A buyer's orders: the list, one order, its cancellation."""

from fastapi import APIRouter, Request, Response

from client import forgiving
from client.api import Api, Apis
from client.domain import Progress
from client.forms import OrderId
from client.order_page import OrderPages
from client.polling import Polling
from client.rendering import Pages, see_other
from client.schemas import Order
from client.sign_in import Member
from common.base import times
from common.base.errors import BadRequest, NotFound

router = APIRouter(prefix="/orders", include_in_schema=False)

UNSETTLED = {"paid": ("created",), "confirmed": ("created", "awaiting:payment")}
"""Statuses that an order soon leaves after the buyer's action, by the action's query parameter."""


@router.get("")
async def index(_user: Member, request: Request, page: Pages, api: Apis) -> Response:
    asked = {name: request.query_params[name] for name in ("limit", "cursor") if name in request.query_params}
    found = (await forgiving.answered(api.orders, asked)).found
    now = times.now()
    return page(
        "orders.html",
        orders=[Progress(order, now) for order in found.items],
        asked=asked,
        following=found.following,
    )


@router.get("/{order_id}")
async def show(_user: Member, order_id: OrderId, request: Request, order_page: OrderPages) -> Response:
    api = order_page.api
    step = next((step for step in UNSETTLED if step in request.query_params), None)
    if step is None:
        return await order_page.show(await api.order(order_id))
    order = await _settled(api, order_id, UNSETTLED[step], request.app.state.polling)
    return await order_page.show(order, waiting=order.status in UNSETTLED[step])


async def _settled(api: Api, order_id: str, unsettled: tuple[str, ...], polling: Polling) -> Order:
    """The order after its payment's events took effect, or its state at the end of the polling time."""
    return await polling.until(lambda order: order.status not in unsettled, lambda: api.order(order_id))


@router.get("/{order_id}/cancel")
async def ask(_user: Member, order_id: OrderId, page: Pages, api: Apis) -> Response:
    progress = Progress(await api.order(order_id), times.now())
    if not progress.is_open:
        return see_other(f"/orders/{order_id}")
    return page("cancel.html", order=progress.order, progress=progress)


@router.post("/{order_id}/cancel")
async def cancel(_user: Member, order_id: OrderId, order_page: OrderPages, api: Apis) -> Response:
    try:
        await api.cancel_order(order_id)
    except BadRequest as error:
        return await order_page.show(await api.order(order_id), error)
    return see_other(f"/orders/{order_id}")


@router.get("/{order_id}/{action}")
async def back_to_order(order_id: OrderId, action: str) -> Response:
    """Redirects to the order, for a reload after a refused form: the browser shows the form's address."""
    if action not in ("pay", "confirm"):
        raise NotFound()
    return see_other(f"/orders/{order_id}")
