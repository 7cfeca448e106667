"""A seller's sales: handing over, claims, giving the money back."""

import asyncio
from collections.abc import Awaitable

from fastapi import APIRouter, Request, Response

from client import forgiving
from client.api import Api, Apis
from client.domain import REASONS, SALE_STATES
from client.earnings import earnings
from client.forms import NO_PROBLEMS, Form, OrderId, Problems
from client.rendering import Page, Pages, see_other
from client.sign_in import Member
from common.base.errors import BadRequest, NotFound

router = APIRouter(prefix="/sales", include_in_schema=False)

OPEN = ("due", "delivered", "disputed")


@router.get("")
async def index(_user: Member, request: Request, page: Pages, api: Apis) -> Response:
    asked = {name: request.query_params[name] for name in ("limit", "cursor") if name in request.query_params}
    answered, income = await asyncio.gather(forgiving.answered(api.sales, asked), earnings(api))
    found = answered.found
    return page(
        "sales.html",
        sales=found.items,
        states=SALE_STATES,
        earnings=income,
        unpaid=any(sale.fulfilment in OPEN for sale in found.items),
        asked=asked,
        following=found.following,
    )


@router.get("/{order_id}")
async def show(_user: Member, order_id: OrderId, page: Pages, api: Apis) -> Response:
    return await _show(page, api, order_id)


@router.post("/{order_id}/delivery")
async def deliver(_user: Member, order_id: OrderId, page: Pages, api: Apis) -> Response:
    return await _done(page, api, order_id, api.deliver(order_id))


@router.get("/{order_id}/refund")
async def ask(_user: Member, order_id: OrderId, page: Pages, api: Apis) -> Response:
    sale = await api.sale(order_id)
    if sale.fulfilment not in OPEN:
        return see_other(f"/sales/{order_id}")
    return page("refund.html", sale=sale)


@router.post("/{order_id}/refund")
async def refund(_user: Member, order_id: OrderId, page: Pages, api: Apis) -> Response:
    return await _done(page, api, order_id, api.refund(order_id))


@router.post("/{order_id}/answer")
async def answer(_user: Member, order_id: OrderId, page: Pages, api: Apis, form: Form) -> Response:
    words = form.get("words", "")
    return await _done(page, api, order_id, api.answer_claim(order_id, words), words)


@router.get("/{order_id}/{action}")
async def back_to_sale(order_id: OrderId, action: str) -> Response:
    """Redirects to the sale, for a reload after a refused form: the browser shows the form's address."""
    if action not in ("delivery", "answer"):
        raise NotFound()
    return see_other(f"/sales/{order_id}")


async def _done(page: Page, api: Api, order_id: str, act: Awaitable[None], words: str = "") -> Response:
    try:
        await act
    except BadRequest as error:
        return await _show(page, api, order_id, words, error)
    return see_other(f"/sales/{order_id}")


async def _show(
    page: Page, api: Api, order_id: str, words: str = "", error: BadRequest | None = None
) -> Response:
    """words: An answer that was refused, as typed."""
    return page(
        "sale.html",
        200 if error is None else error.status,
        sale=await api.sale(order_id),
        states=SALE_STATES,
        reasons=REASONS,
        words_typed=words,
        problems=NO_PROBLEMS if error is None else Problems.of(error, ("words",)),
    )
