"""A buyer says that all is well with a ticket, or what is wrong."""

from collections.abc import Mapping

from fastapi import APIRouter, Response

from client.api import Apis
from client.domain import REASONS
from client.forms import NO_PROBLEMS, Form, OrderId, Problems
from client.order_page import OrderPages
from client.rendering import Page, Pages, see_other
from client.schemas import Order
from client.sign_in import Member
from common.base.errors import BadRequest

router = APIRouter(prefix="/orders", include_in_schema=False)

FIELDS = ("reason", "words")


@router.post("/{order_id}/accept")
async def accept(_user: Member, order_id: OrderId, order_page: OrderPages, api: Apis) -> Response:
    try:
        await api.accept(order_id)
    except BadRequest as error:
        return await order_page.show(await api.order(order_id), error)
    return see_other(f"/orders/{order_id}")


@router.get("/{order_id}/claim")
async def ask(_user: Member, order_id: OrderId, page: Pages, api: Apis) -> Response:
    order = await api.order(order_id)
    if order.fulfilment != "delivered":
        return see_other(f"/orders/{order_id}")
    return _form(page, order, {})


@router.post("/{order_id}/claim")
async def claim(
    _user: Member, order_id: OrderId, page: Pages, order_page: OrderPages, api: Apis, form: Form
) -> Response:
    typed = {name: form.get(name, "") for name in FIELDS}
    try:
        await api.claim(order_id, typed["reason"], typed["words"])
    except BadRequest as error:
        order = await api.order(order_id)
        if any(entry.field in FIELDS for entry in error.entries):
            return _form(page, order, typed, error)
        return await order_page.show(order, error)
    return see_other(f"/orders/{order_id}")


def _form(page: Page, order: Order, typed: Mapping[str, str], error: BadRequest | None = None) -> Response:
    problems = NO_PROBLEMS if error is None else Problems.of(error, FIELDS)
    status = 200 if error is None else error.status
    return page("claim.html", status, order=order, reasons=REASONS, typed=typed, problems=problems)
