"""The receipt of a paid order, and the page that verifies one."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from common.http.receipts import Receipt, Receipts
from fastapi import APIRouter, Request, Response

from client.api import Apis
from client.forms import OrderId
from client.i18n import gettext_noop
from client.languages import CURRENCY
from client.public_address import absolute
from client.receipts import qr_code, trimmed
from client.rendering import Pages, see_other
from client.sign_in import Member
from common.base.errors import AppError

T = TypeVar("T")

router = APIRouter(include_in_schema=False)

QR_CODE = gettext_noop("QR code of this receipt")


@router.get("/orders/{order_id}/receipt")
async def show(_user: Member, order_id: OrderId, request: Request, page: Pages, api: Apis) -> Response:
    order = await api.order(order_id)
    if order.status != "complete":
        return see_other(f"/orders/{order_id}")
    receipts: Receipts = request.app.state.receipts
    code = receipts.code(Receipt(order.id, order.ticket.id))
    address = absolute(request, f"/receipts/{code}")
    # The order does not name the seller: while the tickets service is unavailable, the line is left out.
    ticket = await _known(api.ticket(order.ticket.id))
    return page(
        "receipt.html",
        order=order,
        seller=None if ticket is None else ticket.user_id,
        address=address,
        qr=qr_code(address, page.words(QR_CODE)),
        currency=CURRENCY,
    )


@router.get("/receipts/{code}")
async def verify(code: str, request: Request, page: Pages, api: Apis) -> Response:
    receipts: Receipts = request.app.state.receipts
    code = trimmed(code)
    receipt = receipts.verified(code)
    if receipt is None:
        return page("verification.html", 404, receipt=None)
    state, ticket = await asyncio.gather(_known(api.receipt(code)), _known(api.ticket(receipt.ticket_id)))
    return page("verification.html", receipt=receipt, state=state, ticket=ticket)


async def _known(asked: Awaitable[T]) -> T | None:
    """The answer of an API; None without one. The signature is valid even then."""
    try:
        return await asked
    except AppError:
        return None
