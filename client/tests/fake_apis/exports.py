"""What each API exports of a user: one record a page, so that every file has several pages."""

from collections.abc import Sequence
from typing import Any

import httpx

from common.base.identity import CurrentUser

from .fields import refuse, user_of
from .records import Records

Export = Sequence[dict[str, Any]]


def users(records: Records, request: httpx.Request) -> httpx.Response:
    user = user_of(request)
    email = records.emails.get(user.id)
    account = [] if email is None else [{"id": user.id, "email": email, "passwordHash": True}]
    sessions = [{"id": each["id"]} for each in records.sessions.values() if each["userId"] == user.id]
    return _page(request, {"users": account, "sessions": sessions})


def tickets(records: Records, request: httpx.Request) -> httpx.Response:
    user = user_of(request)
    own = [each for each in records.tickets.values() if each.user_id == user.id]
    found = [{"id": each.id, "title": each.title, "priceCents": each.price.cents} for each in own]
    return _page(request, {"tickets": found})


def orders(records: Records, request: httpx.Request) -> httpx.Response:
    return _page(request, {"orders": _orders(records, user_of(request))})


def payments(records: Records, request: httpx.Request) -> httpx.Response:
    own = {each["id"] for each in _orders(records, user_of(request))}
    found = [{"id": each.id, "orderId": order} for order, each in records.payments.items() if order in own]
    return _page(request, {"payments": found})


def _orders(records: Records, user: CurrentUser) -> Export:
    own = (each for each in records.orders.values() if each.user_id == user.id)
    return [{"id": each.id, "status": each.status} for each in own]


def _page(request: httpx.Request, sections: dict[str, Export]) -> httpx.Response:
    found = [{"collection": name, **each} for name, export in sections.items() for each in export]
    cursor = request.url.params.get("cursor", "")
    name, _, number = cursor.partition(":")
    if cursor and name not in sections:
        raise refuse(400, "bad-request", "Cursor is not one of ours", "cursor")
    at = int(number or 0)
    following = f"{next(iter(sections))}:{at + 1}" if at + 1 < len(found) else None
    return httpx.Response(200, json={"records": found[at : at + 1], "next": following})
