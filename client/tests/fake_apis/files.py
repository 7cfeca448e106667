"""The file of a listing, of the tickets API: kept as it is sent, where its first bytes are a PNG's."""

import httpx

from common.contract.error_codes import ErrorCode

from .fields import not_authorized, not_found, refuse, user_of
from .records import Records, Ticket

SIGNATURE = b"\x89PNG"


def add(records: Records, request: httpx.Request, ticket_id: str) -> httpx.Response:
    ticket = _own(records, request, ticket_id)
    if ticket.order_id is not None:
        raise refuse(400, ErrorCode.TICKET_NOT_EDITABLE, "Cannot edit a reserved ticket")
    content = request.content
    if not content.startswith(SIGNATURE):
        message = "Send a PDF, PNG or JPEG that can be read, of at most 5 MB and 10 pages"
        raise refuse(400, ErrorCode.FILE_UNREADABLE, message)
    if any(other.file_content == content and other is not ticket for other in records.tickets.values()):
        raise refuse(400, ErrorCode.TICKET_ALREADY_LISTED, "This ticket is already listed")
    name = request.url.params.get("name", "").rpartition(".")[0] or "ticket"
    file = {"name": f"{name}.jpg", "type": "image/jpeg", "bytes": len(content), "pages": 1}
    ticket.change(file=file, file_content=content)
    return httpx.Response(200, json=file)


def show(records: Records, request: httpx.Request, ticket_id: str) -> httpx.Response:
    user, ticket = user_of(request), records.tickets.get(ticket_id)
    if ticket is None:
        raise not_found()
    order = records.orders.get(ticket.order_id or "")
    is_buyer = order is not None and order.user_id == user.id and ticket.status == "sold"
    if user.id != ticket.user_id and not is_buyer:
        raise not_authorized()
    if ticket.file is None or int(request.url.params.get("page", "1")) > ticket.file["pages"]:
        raise not_found()
    headers = {
        "Content-Type": "image/jpeg",
        "Content-Disposition": f"attachment; filename*=UTF-8''{ticket.file['name']}",
    }
    return httpx.Response(200, content=ticket.file_content, headers=headers)


def remove(records: Records, request: httpx.Request, ticket_id: str) -> httpx.Response:
    ticket = _own(records, request, ticket_id)
    if ticket.order_id is not None:
        raise refuse(400, ErrorCode.TICKET_NOT_EDITABLE, "Cannot edit a reserved ticket")
    if ticket.file is not None:
        ticket.change(file=None, file_content=b"")
    return httpx.Response(204)


def _own(records: Records, request: httpx.Request, ticket_id: str) -> Ticket:
    user, ticket = user_of(request), records.tickets.get(ticket_id)
    if ticket is None:
        raise not_found()
    if ticket.user_id != user.id:
        raise not_authorized()
    return ticket
