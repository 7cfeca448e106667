"""The orders API."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from common.base.identity import CurrentUser
from common.base.ids import is_id
from common.base.money import Money
from common.contract.error_codes import ErrorCode

from .fields import (
    body_of,
    checked,
    is_over,
    not_authorized,
    not_found,
    once,
    refuse,
    refuse_until,
    user_of,
    whole_number,
)
from .fields import price as price_of
from .records import Order, Records

MAX_OPEN_ORDERS = 5


def index(records: Records, request: httpx.Request) -> httpx.Response:
    user = user_of(request)
    orders = [o.json() for o in records.orders.values() if o.user_id == user.id][::-1]
    return page_of(orders, request)


def page_of(
    found: Sequence[Mapping[str, Any]], request: httpx.Request, usual: int = 100, most: int = 100
) -> httpx.Response:
    """One page of a list, whose cursor is a number here."""
    query = request.url.params
    if not query.get("cursor", "0").isdecimal():
        raise refuse(400, ErrorCode.CURSOR_INVALID, "Cursor is not one of ours", "cursor")
    start = int(query.get("cursor", "0"))
    limit = whole_number(query.get("limit", str(usual)), "limit", most)
    headers = {}
    if len(found) > start + limit:
        following = f"limit={limit}&cursor={start + limit}"
        headers["Link"] = f'<{request.url.path}?{following}>; rel="next"'
    return httpx.Response(200, json=found[start : start + limit], headers=headers)


def create(records: Records, request: httpx.Request) -> httpx.Response:
    user, body = user_of(request), body_of(request)
    given = checked(
        ticket_id=lambda: _ticket_id(body["ticketId"]),
        price=lambda: price_of(body["price"], "price") if "price" in body else None,
    )
    return httpx.Response(
        201, json=once(records, request, user.id, given, lambda: _place(records, user, **given))
    )


def _place(records: Records, user: CurrentUser, ticket_id: str, price: Money | None) -> Mapping[str, Any]:
    ticket = records.tickets.get(ticket_id)
    if ticket is None or ticket.status == "withdrawn" or records.lag > 0:
        records.lag -= 1
        raise not_found()
    if ticket.user_id == user.id:
        raise refuse(400, ErrorCode.OWN_TICKET, "You can't buy your own ticket")
    if is_over(ticket.event_date):
        raise refuse(400, ErrorCode.TICKET_EVENT_OVER, "The day of this event is over")
    if price not in (None, _known_price(records, ticket.price)):
        raise refuse(400, ErrorCode.PRICE_CHANGED, "The price has changed, please look again", "price")
    if ticket.order_id is not None:
        raise refuse(400, records.reserved_code, "Ticket is already reserved")
    held = [o.held_until for o in records.orders.values() if o.user_id == user.id and o.held_until]
    if len(held) >= MAX_OPEN_ORDERS:
        message = "You hold too many unpaid tickets: pay for one, or cancel one, then order again"
        raise refuse_until(min(held), ErrorCode.OPEN_ORDERS_LIMIT, message)
    order = records.order(user, ticket)
    ticket.version += 1
    return order.json()


def show(records: Records, request: httpx.Request, order_id: str) -> httpx.Response:
    order = own_order(records, request, order_id)
    if order.id in records.coming:
        requests, status = records.coming[order.id]
        records.coming[order.id] = (requests - 1, status)
    return httpx.Response(200, json=order.json())


def receipt_of(records: Records, request: httpx.Request, order_id: str) -> httpx.Response:
    order = own_order(records, request, order_id)
    if order.status != "complete" or records.without_receipts:
        raise not_found()
    return httpx.Response(200, json={"code": receipt_code(order)})


def receipt_code(order: Order) -> str:
    """As long as one of the service's, and unsigned."""
    return f"fake-code-of-the-order-------_{order.id}".rjust(54, "-")


def receipt(records: Records, _request: httpx.Request, code: str) -> httpx.Response:
    order = records.orders.get(code[-24:])
    if order is None or order.status != "complete" or code != receipt_code(order):
        raise not_found()
    shown = {"id": order.id, "status": order.status, "payment": order.payment, "ticketId": order.ticket.id}
    return httpx.Response(200, json=shown)


def cancel(records: Records, request: httpx.Request, order_id: str) -> httpx.Response:
    order = own_order(records, request, order_id)
    if order.status == "complete":
        raise refuse(400, ErrorCode.ORDER_COMPLETE, "Cannot cancel a completed order")
    if order.status != "cancelled":
        order.change("cancelled")
        order.ended_because = "cancelled"
        order.ticket.change(order_id=None, status="available")
        if order.id in records.payments:
            records.payments[order.id].status = order.payment = "voided"
    return httpx.Response(204)


def own_order(records: Records, request: httpx.Request, order_id: str) -> Order:
    user, order = user_of(request), records.orders.get(order_id)
    if order is None:
        raise not_found()
    if order.user_id != user.id:
        raise not_authorized()
    return order


def _known_price(records: Records, current: Money) -> Money:
    known, records.old_price = records.old_price or current, None
    return known


def _ticket_id(text: str) -> str:
    if not is_id(text):
        raise refuse(400, ErrorCode.TICKET_ID_REQUIRED, "TicketId must be provided", "ticketId")
    return text
