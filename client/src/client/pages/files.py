"""The ticket itself: its seller adds the file to a listing, and its buyer sees and downloads it."""

from fastapi import APIRouter, Request, Response

from client import calendar
from client.api import Apis
from client.flash import Flash
from client.forms import OrderId, Problems, TicketId
from client.public_address import absolute
from client.rendering import Pages, see_other
from client.sign_in import Member
from client.ticket_page import own_ticket
from client.uploads import FileApis, Uploaded
from common.base.errors import BadRequest, NotFound, TooLarge, Unavailable

router = APIRouter(include_in_schema=False)

MOST_PAGES = 10


@router.get("/tickets/{ticket_id}/file")
async def edit(user: Member, ticket_id: TicketId, page: Pages, api: Apis) -> Response:
    return page("file.html", ticket=await own_ticket(api, user, ticket_id))


@router.post("/tickets/{ticket_id}/file")
async def add(
    user: Member, ticket_id: TicketId, page: Pages, api: Apis, files: FileApis, upload: Uploaded
) -> Response:
    try:
        await files.put(ticket_id, upload)
    except (BadRequest, TooLarge, Unavailable) as error:
        ticket = await own_ticket(api, user, ticket_id)
        return page("file.html", error.status, ticket=ticket, problems=Problems.of(error))
    return see_other(f"/tickets/{ticket_id}/file", message=Flash.FILE_ADDED)


@router.post("/tickets/{ticket_id}/file/remove")
async def remove(user: Member, ticket_id: TicketId, page: Pages, api: Apis, files: FileApis) -> Response:
    try:
        await files.remove(ticket_id)
    except BadRequest as error:
        ticket = await own_ticket(api, user, ticket_id)
        return page("file.html", error.status, ticket=ticket, problems=Problems.of(error))
    return see_other(f"/tickets/{ticket_id}/file", message=Flash.FILE_REMOVED)


@router.get("/tickets/{ticket_id}/file/download")
async def own_download(_user: Member, ticket_id: TicketId, files: FileApis) -> Response:
    return await files.shown(ticket_id)


@router.get("/tickets/{ticket_id}/file/{number}")
async def own_picture(_user: Member, ticket_id: TicketId, number: str, files: FileApis) -> Response:
    return await files.shown(ticket_id, _number(number))


@router.get("/orders/{order_id}/ticket")
async def show(_user: Member, order_id: OrderId, page: Pages, api: Apis) -> Response:
    """The pages of a bought ticket. While it has no file, the page says that its seller hands it over."""
    order = await api.order(order_id)
    if order.status != "complete":
        return see_other(f"/orders/{order_id}")
    return page("own_ticket.html", order=order, file=(await api.ticket(order.ticket.id)).file)


@router.get("/orders/{order_id}/ticket/download")
async def download(_user: Member, order_id: OrderId, api: Apis, files: FileApis) -> Response:
    return await files.shown((await api.order(order_id)).ticket.id)


@router.get("/orders/{order_id}/ticket/{number}")
async def picture(_user: Member, order_id: OrderId, number: str, api: Apis, files: FileApis) -> Response:
    return await files.shown((await api.order(order_id)).ticket.id, _number(number))


@router.get("/orders/{order_id}/calendar.ics")
async def calendar_entry(_user: Member, order_id: OrderId, request: Request, api: Apis) -> Response:
    order = await api.order(order_id)
    if order.status != "complete" or order.ticket.event_date is None:
        raise NotFound()
    return Response(
        calendar.entry(order, absolute(request, f"/orders/{order_id}")),
        media_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="ticket.ics"', "Cache-Control": "no-store"},
    )


def _number(text: str) -> int:
    """The number of a page. Raises NotFound for any other text."""
    if not (text.isascii() and text.isdecimal() and 0 < len(text) <= 2 and 1 <= int(text) <= MOST_PAGES):
        raise NotFound()
    return int(text)
