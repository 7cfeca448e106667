"""A listing is withdrawn, after a question, and put back on sale."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from client.api import Apis
from client.flash import Flash
from client.forms import TicketId
from client.rendering import Pages, see_other
from client.sign_in import Member, local
from client.ticket_page import own_ticket, ticket_page
from common.base.errors import BadRequest

router = APIRouter(prefix="/tickets", include_in_schema=False)


@router.get("/{ticket_id}/withdraw")
async def ask(user: Member, ticket_id: TicketId, page: Pages, api: Apis) -> Response:
    ticket = await own_ticket(api, user, ticket_id)
    if ticket.status != "available":
        return see_other(f"/tickets/{ticket_id}")
    return page("withdraw.html", ticket=ticket)


@router.post("/{ticket_id}/withdraw")
async def withdraw(user: Member, ticket_id: TicketId, page: Pages, api: Apis) -> Response:
    try:
        await api.withdraw_ticket(ticket_id)
    except BadRequest as error:
        return await ticket_page(page, api, user, ticket_id, error)
    return see_other("/listings", message=Flash.WITHDRAWN)


@router.post("/{ticket_id}/relist")
async def relist(
    user: Member, ticket_id: TicketId, page: Pages, api: Apis, next: Annotated[str | None, Query()] = None
) -> Response:
    """next: Page to return to, if not that of the ticket."""
    try:
        await api.relist_ticket(ticket_id)
    except BadRequest as error:
        return await ticket_page(page, api, user, ticket_id, error)
    return see_other(local(next or f"/tickets/{ticket_id}"), message=Flash.RELISTED)
