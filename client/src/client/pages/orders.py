"""A buyer's orders: the list, one of them, its cancellation."""

from fastapi import APIRouter, Request, Response

from client.api import Api, Apis
from client.domain import Progress, Stage
from client.forms import OrderId, Problems
from client.patience import Patience
from client.rendering import Page, Pages, see_other
from client.schemas import Order
from client.sign_in import Member
from common import times
from common.errors import AppError, BadRequest, NotFound, PaymentRequired

router = APIRouter(prefix="/orders", include_in_schema=False)

CARDS = (
    ("tok_visa", "Visa, approves"),
    ("tok_chargeDeclined", "Visa, declines"),
    ("tok_threeDSecure", "Visa, asks for a confirmation"),
    ("tok_slow", "Visa, slow to answer"),
    ("tok_timeout", "Visa, answer gets lost"),
)
"""The test cards of the payment gateway on a laptop."""

UNSETTLED = {"paid": ("created",), "confirmed": ("created", "awaiting:payment")}
"""The statuses that an order leaves soon after its buyer did that."""


@router.get("")
async def index(_user: Member, request: Request, page: Pages, api: Apis) -> Response:
    asked = {name: request.query_params[name] for name in ("limit", "cursor") if name in request.query_params}
    found = await api.orders(asked)
    now = times.now()
    return page(
        "orders.html", orders=[Progress(order, now) for order in found.items], following=found.following
    )


@router.get("/{order_id}")
async def show(_user: Member, order_id: OrderId, request: Request, page: Pages, api: Apis) -> Response:
    step = next((step for step in UNSETTLED if step in request.query_params), None)
    if step is None:
        return order_page(page, await api.order(order_id))
    order = await _settled(api, order_id, UNSETTLED[step], request.app.state.patience)
    return order_page(page, order, waiting=order.status in UNSETTLED[step])


async def _settled(api: Api, order_id: str, unsettled: tuple[str, ...], patience: Patience) -> Order:
    """The order once its payment's events took effect, or as it is when that takes too long."""
    return await patience.until(lambda order: order.status not in unsettled, lambda: api.order(order_id))


@router.post("/{order_id}/cancel")
async def cancel(_user: Member, order_id: OrderId, page: Pages, api: Apis) -> Response:
    try:
        await api.cancel_order(order_id)
    except BadRequest as error:
        return order_page(page, await api.order(order_id), error)
    return see_other(f"/orders/{order_id}")


@router.get("/{order_id}/{action}")
async def back_to_order(order_id: OrderId, action: str) -> Response:
    """The address that the browser shows after a form was refused."""
    if action not in ("cancel", "pay", "confirm"):
        raise NotFound()
    return see_other(f"/orders/{order_id}")


def order_page(page: Page, order: Order, error: AppError | None = None, waiting: bool = False) -> Response:
    """`waiting`: the buyer paid, and the order has not heard of it yet."""
    progress = Progress(order, times.now())
    return page(
        "order.html",
        200 if error is None else error.status,
        order=order,
        progress=progress,
        stage=progress.stage.name,
        waiting=waiting and progress.stage is not Stage.EXPIRED,
        cards=CARDS,
        declined=isinstance(error, PaymentRequired),
        problems=Problems() if error is None else Problems.of(error, ("token",)),
    )
