"""Payment of an order. A second submission is safe: the API charges an order once."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request, Response

from client.api import Api, Apis
from client.forms import Form, OrderId
from client.order_page import OrderPage, OrderPages
from client.polling import Polling
from client.refusals import OrderNotPayableYet, PaymentOutcomeUnknown
from client.rendering import see_other
from client.sign_in import Member
from common.base.errors import AppError, NotFound

router = APIRouter(prefix="/orders", include_in_schema=False)


@router.post("/{order_id}/pay")
async def pay(
    _user: Member, order_id: OrderId, order_page: OrderPages, api: Apis, form: Form, request: Request
) -> Response:
    token = form.get("token", "")
    # `instead`: another card, after the bank refused the first one's confirmation. The order then awaits
    # payment already.
    step = "confirmed" if "instead" in form else "paid"
    polling: Polling = request.app.state.polling
    return await _attempt(order_page, order_id, lambda: api.pay(order_id, token), polling, step)


@router.post("/{order_id}/confirm")
async def confirm(
    _user: Member, order_id: OrderId, order_page: OrderPages, api: Apis, request: Request
) -> Response:
    polling: Polling = request.app.state.polling
    return await _attempt(order_page, order_id, lambda: api.confirm_payment(order_id), polling, "confirmed")


async def _attempt(
    order_page: OrderPage, order_id: str, act: Callable[[], Awaitable[object]], polling: Polling, step: str
) -> Response:
    api = order_page.api
    refused: AppError = OrderNotPayableYet()
    try:
        if await polling.until(bool, lambda: _known(api, order_id, act)):
            return see_other(f"/orders/{order_id}?{step}=1")
    except AppError as error:
        refused = PaymentOutcomeUnknown() if error.status >= 500 else error
    return await order_page.show(await api.order(order_id), refused)


async def _known(api: Api, order_id: str, act: Callable[[], Awaitable[object]]) -> bool:
    """Calls `act`. Returns False if the payments service has not received the order yet.

    Raises NotFound for an order that does not exist.
    """
    try:
        await act()
    except NotFound:
        await api.order(order_id)
        return False
    return True
