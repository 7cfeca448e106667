"""The tickets API."""

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import httpx

from common.contract.error_codes import ErrorCode

from .fields import (
    body_of,
    bound,
    checked,
    is_over,
    not_authorized,
    not_found,
    offer,
    once,
    one_of,
    refuse,
    user_of,
    viewer_id,
    whole_number,
)
from .records import Records, Ticket

MAX_LISTINGS = 100
STATUSES = ("available", "held", "sold", "withdrawn")


def index(records: Records, request: httpx.Request) -> httpx.Response:
    query = {name: value for name, value in request.url.params.items() if value.strip()}
    _check(query)
    if query.get("seller") == "me":
        user = user_of(request)
        found = [t for t in records.tickets.values() if t.user_id == user.id]
    else:
        found = [t for t in records.tickets.values() if t.status == "available" and not is_over(t.event_date)]
    found = _sorted([t for t in found if _matches(t, query)], query.get("sort", "newest"))
    start, limit = int(query.get("cursor", "0")), int(query.get("limit", "50"))
    headers = {}
    if len(found) > start + limit:
        following = httpx.QueryParams({**query, "cursor": str(start + limit), "limit": str(limit)})
        headers["Link"] = f'</api/tickets?{following}>; rel="next"'
    shown = [_seen(records, request, t) for t in found[start : start + limit]]
    return httpx.Response(200, json=shown, headers=headers)


def summary(records: Records, request: httpx.Request) -> httpx.Response:
    user = user_of(request)
    own = [t for t in records.tickets.values() if t.user_id == user.id]
    counts = {status: sum(t.status == status for t in own) for status in STATUSES}
    earned = sum(t.price.cents for t in own if t.status == "sold") / 100
    return httpx.Response(200, json={**counts, "earned": earned})


def create(records: Records, request: httpx.Request) -> httpx.Response:
    user, given = user_of(request), offer(body_of(request))

    def create() -> Mapping[str, Any]:
        listed = sum(
            t.user_id == user.id and t.status in ("available", "held") for t in records.tickets.values()
        )
        if listed >= MAX_LISTINGS:
            message = "You have as many listings on sale as one seller may: withdraw one first"
            raise refuse(400, ErrorCode.LISTINGS_LIMIT, message)
        ticket = Ticket(user_id=user.id, **given)
        records.tickets[ticket.id] = ticket
        return ticket.json(user.id)

    return httpx.Response(201, json=once(records, request, user.id, given, create))


def show(records: Records, request: httpx.Request, ticket_id: str) -> httpx.Response:
    shown = _seen(records, request, _found(records, request, ticket_id))
    if records.orders_hidden > 0 and shown["status"] == "held":
        records.orders_hidden -= 1
        shown = {**shown, "status": "available", "orderId": None}
    return httpx.Response(200, json=shown, headers={"ETag": f'"{shown["version"]}"'})


def update(records: Records, request: httpx.Request, ticket_id: str) -> httpx.Response:
    user_of(request)
    fields = offer(body_of(request))
    ticket = _own(records, request, ticket_id)
    if _is_stale(request, ticket) and all(getattr(ticket, name) == value for name, value in fields.items()):
        return httpx.Response(200, json=ticket.json(user_of(request).id))
    if ticket.order_id is not None:
        raise refuse(400, ErrorCode.TICKET_NOT_EDITABLE, "Cannot edit a reserved ticket")
    _require_fresh(request, ticket)
    ticket.change(**fields)
    return httpx.Response(200, json=ticket.json(user_of(request).id))


def withdraw(records: Records, request: httpx.Request, ticket_id: str) -> httpx.Response:
    ticket = _own(records, request, ticket_id)
    if ticket.order_id is not None:
        message = "Cannot withdraw a reserved or sold ticket"
        raise refuse(400, ErrorCode.TICKET_NOT_WITHDRAWABLE, message)
    if ticket.status != "withdrawn":
        _require_fresh(request, ticket)
        ticket.change(status="withdrawn")
    return httpx.Response(204)


def relist(records: Records, request: httpx.Request, ticket_id: str) -> httpx.Response:
    ticket = _own(records, request, ticket_id)
    if ticket.status == "withdrawn":
        if is_over(ticket.event_date):
            raise refuse(400, ErrorCode.TICKET_EVENT_OVER, "The day of this event is over")
        ticket.change(status="available")
    return httpx.Response(200, json=ticket.json(user_of(request).id))


def _is_stale(request: httpx.Request, ticket: Ticket) -> bool:
    expected = request.headers.get("if-match", "*")
    return expected not in ("*", f'"{ticket.version}"')


def _require_fresh(request: httpx.Request, ticket: Ticket) -> None:
    if _is_stale(request, ticket):
        raise refuse(412, ErrorCode.TICKET_CHANGED, "The ticket has changed, please look again")


def _seen(records: Records, request: httpx.Request, ticket: Ticket) -> Mapping[str, Any]:
    order = records.orders.get(ticket.order_id or "")
    return ticket.json(viewer_id(request), None if order is None else order.user_id)


def _found(records: Records, request: httpx.Request, ticket_id: str) -> Ticket:
    ticket = records.tickets.get(ticket_id)
    if ticket is None:
        raise not_found()
    if ticket.status == "withdrawn" and ticket.user_id != viewer_id(request):
        raise refuse(404, ErrorCode.TICKET_WITHDRAWN, "Not found")
    return ticket


def _own(records: Records, request: httpx.Request, ticket_id: str) -> Ticket:
    user, ticket = user_of(request), _found(records, request, ticket_id)
    if ticket.user_id != user.id:
        raise not_authorized()
    return ticket


def _check(query: Mapping[str, str]) -> None:
    if len(query.get("q", "")) > 100:
        raise refuse(400, ErrorCode.Q_TOO_LONG, "Q must be at most 100 characters", "q")
    if len(query.get("city", "")) > 100:
        raise refuse(400, ErrorCode.CITY_TOO_LONG, "City must be at most 100 characters", "city")
    checked(
        limit=lambda: whole_number(query.get("limit", "50"), "limit", 100),
        sort=lambda: one_of(
            query.get("sort", "newest"), "sort", "newest", "price", "-price", "date", "relevance"
        ),
        status=lambda: one_of(query.get("status", "sold"), "status", *STATUSES),
    )
    least, most = (bound(query.get(name, "1"), name) for name in ("minPrice", "maxPrice"))
    if {"minPrice", "maxPrice"} <= set(query) and least > most:
        message = "The lowest price is above the highest"
        raise refuse(400, ErrorCode.PRICE_RANGE_INVALID, message, "minPrice")
    first, last = (_day(query.get(name, ""), name) for name in ("from", "to"))
    if first and last and first > last:
        raise refuse(400, ErrorCode.DAY_RANGE_INVALID, "The first day is after the last", "from")
    if not query.get("cursor", "0").isdecimal():
        raise refuse(400, ErrorCode.CURSOR_INVALID, "Cursor is not one of ours", "cursor")
    if "status" in query and "seller" not in query:
        message = "Status is for one's own listings"
        raise refuse(400, ErrorCode.STATUS_NOT_ALLOWED, message, "status")


def _day(text: str, name: str) -> str:
    """The day as it is compared; "" for none."""
    if text:
        try:
            date.fromisoformat(text)
        except ValueError:
            message = "Date must be a day such as 2027-05-31"
            raise refuse(400, ErrorCode.EVENT_DATE_INVALID, message, name) from None
    return text


def _matches(ticket: Ticket, query: Mapping[str, str]) -> bool:
    text = _folded(" ".join(filter(None, (ticket.title, ticket.venue, ticket.city, ticket.seat))))
    units = Decimal(str(ticket.price))
    return (
        all(_folded(word) in text for word in query.get("q", "").split())
        and query.get("status", ticket.status) == ticket.status
        and ("minPrice" not in query or units >= bound(query["minPrice"], "minPrice"))
        and ("maxPrice" not in query or units <= bound(query["maxPrice"], "maxPrice"))
        and ("city" not in query or _folded(query["city"].strip()) == _folded(ticket.city or ""))
        and ("from" not in query or (ticket.event_date or "") >= query["from"])
        and ("to" not in query or "" < (ticket.event_date or "") <= query["to"])
    )


def _folded(text: str) -> str:
    """Without case and accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()


def _sorted(tickets: Sequence[Ticket], sort: str) -> list[Ticket]:
    newest_first = sorted(tickets, key=lambda t: t.id, reverse=True)
    match sort:
        case "price":
            return sorted(newest_first, key=lambda t: t.price)
        case "-price":
            return sorted(newest_first, key=lambda t: t.price)[::-1]
        case "date":
            return sorted(newest_first, key=lambda t: (t.event_date is None, t.event_date or ""))
    return newest_first
