"""A ticket is purchased: the order that holds it while its buyer pays."""

from fastapi import APIRouter, Request, Response

from client.api import Api, Apis
from client.forms import Form, TicketId, key_of
from client.own_orders import own_order
from client.polling import Polling
from client.refusals import TicketNotSaleableYet
from client.rendering import Pages, see_other
from client.schemas import Order, Ticket
from client.sign_in import Member
from client.ticket_page import ticket_page
from common.base.errors import (
    BadRequest,
    NotFound,
    TooManyTries,
)
from common.contract.error_codes import ErrorCode

router = APIRouter(include_in_schema=False)


@router.post("/tickets/{ticket_id}/purchase")
async def purchase(
    user: Member, ticket_id: TicketId, page: Pages, api: Apis, form: Form, request: Request
) -> Response:
    polling: Polling = request.app.state.polling
    seen, key = form.get("price", ""), key_of(form)
    try:
        order = await _order(api, ticket_id, seen, key, polling)
    except (BadRequest, TooManyTries) as error:
        own = await own_order(api, ticket_id)
        if own is None:
            if error.code == ErrorCode.TICKET_RESERVED:
                # Until the order has reached the tickets service, the page would offer the refused ticket.
                await polling.until(_is_taken, lambda: api.ticket(ticket_id))
            return await ticket_page(page, api, user, ticket_id, error, seen)
        order = own
    if order is None:
        return await ticket_page(page, api, user, ticket_id, TicketNotSaleableYet())
    return see_other(f"/orders/{order.id}")


async def _order(api: Api, ticket_id: str, seen: str, key: str, polling: Polling) -> Order | None:
    """The new order, or None while the orders service has not received the ticket, or its price.

    seen: Price that the buyer saw. Raises NotFound for an unknown ticket, BadRequest for a changed price.
    """

    async def ask() -> Order | None:
        try:
            return await api.create_order(ticket_id, seen, key)
        except NotFound:
            await api.ticket(ticket_id)
            return None
        except BadRequest as error:
            if error.code == ErrorCode.PRICE_CHANGED and str((await api.ticket(ticket_id)).price) == seen:
                return None
            raise

    return await polling.until(lambda order: order is not None, ask)


def _is_taken(ticket: Ticket) -> bool:
    return ticket.status != "available"
