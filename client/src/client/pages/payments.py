"""Paying for an order; doing it twice does no harm, for the API charges an order once."""

from collections.abc import Awaitable

from fastapi import APIRouter, Response

from client.api import Api, Apis
from client.forms import Form, OrderId
from client.pages.orders import order_page
from client.rendering import Page, Pages, see_other
from client.sign_in import Member
from common.errors import AppError, NotAuthorized, NotFound, Unavailable

router = APIRouter(prefix="/orders", include_in_schema=False)

UNKNOWN_OUTCOME = (
    "We did not hear back about your payment. If it went through, this order shows it in a moment; "
    "paying again is safe, you are never charged twice."
)


@router.post("/{order_id}/pay")
async def pay(_user: Member, order_id: OrderId, page: Pages, api: Apis, form: Form) -> Response:
    return await _attempt(page, api, order_id, api.pay(order_id, form.get("token", "")), "paid")


@router.post("/{order_id}/confirm")
async def confirm(_user: Member, order_id: OrderId, page: Pages, api: Apis) -> Response:
    return await _attempt(page, api, order_id, api.confirm_payment(order_id), "confirmed")


async def _attempt(page: Page, api: Api, order_id: str, payment: Awaitable[None], step: str) -> Response:
    try:
        await payment
    except (NotAuthorized, NotFound):
        raise
    except AppError as error:
        refused = Unavailable(UNKNOWN_OUTCOME) if error.status >= 500 else error
        return order_page(page, await api.order(order_id), refused)
    return see_other(f"/orders/{order_id}?{step}=1")
