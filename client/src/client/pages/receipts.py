"""The receipt of a paid order, and the page that verifies one."""

from contextlib import suppress

from fastapi import APIRouter, Request, Response

from client.api import Apis
from client.forms import OrderId
from client.i18n import gettext_noop
from client.public_address import absolute
from client.receipts import Receipt, Receipts, qr_code
from client.rendering import Pages, see_other
from client.sign_in import Member
from common.base.errors import AppError

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
    return page("receipt.html", order=order, address=address, qr=qr_code(address, page.words(QR_CODE)))


@router.get("/receipts/{code}")
async def verify(code: str, request: Request, page: Pages, api: Apis) -> Response:
    receipts: Receipts = request.app.state.receipts
    receipt = receipts.verified(code)
    if receipt is None:
        return page("verification.html", 404, receipt=None, ticket=None)
    ticket = None
    # The ticket is optional: the signature is valid even while the tickets service is unavailable.
    with suppress(AppError):
        ticket = await api.ticket(receipt.ticket_id)
    return page("verification.html", receipt=receipt, ticket=ticket)
