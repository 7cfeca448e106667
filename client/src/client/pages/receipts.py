"""The receipt of a paid order, and the page that verifies one."""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import TypeVar

from fastapi import APIRouter, Request, Response

from client.api import Apis
from client.forms import OrderId
from client.i18n import gettext_noop
from client.languages import CURRENCY
from client.public_address import absolute
from client.receipts import qr_code, trimmed
from client.rendering import Page, Pages, see_other
from client.sign_in import Member
from common.base.errors import AppError, NotFound

T = TypeVar("T")

router = APIRouter(include_in_schema=False)

QR_CODE = gettext_noop("QR code of this receipt")


@router.get("/orders/{order_id}/receipt")
async def show(_user: Member, order_id: OrderId, request: Request, page: Pages, api: Apis) -> Response:
    order = await api.order(order_id)
    if order.status != "complete":
        return see_other(f"/orders/{order_id}")
    # While orders or tickets is unavailable, the receipt is shown without the code or without the seller,
    # whom the order does not name.
    code, ticket = await asyncio.gather(
        _known(api.receipt_code(order_id)), _known(api.ticket(order.ticket.id))
    )
    return page(
        "receipt.html",
        order=order,
        seller=None if ticket is None else ticket.user_id,
        code=None if code is None else _shown(request, page, code),
        currency=CURRENCY,
    )


def _shown(request: Request, page: Page, code: str) -> Mapping[str, str]:
    address = absolute(request, f"/receipts/{code}")
    return {"address": address, "qr": qr_code(address, page.words(QR_CODE))}


@router.get("/receipts/{code}")
async def verify(code: str, page: Pages, api: Apis) -> Response:
    """orders alone can tell a genuine code; while it is unavailable, the page says that, and nothing else."""
    try:
        state = await api.receipt(trimmed(code))
    except NotFound:
        return page("verification.html", 404, state=None)
    ticket = None if state.ticket_id is None else await _known(api.ticket(state.ticket_id))
    return page("verification.html", state=state, ticket=ticket)


async def _known(asked: Awaitable[T]) -> T | None:
    """The answer of an API; None without one."""
    try:
        return await asked
    except AppError:
        return None
