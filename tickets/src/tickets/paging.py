"""Keyset pagination: a cursor holds the last ticket of a page, so a page costs the same at any depth."""

import base64
import binascii
import re
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import Depends, Query

from common.base.errors import BadRequest, InvalidValue
from common.base.ids import is_id
from common.base.money import MAX_UNITS, Money, number
from common.contract.error_codes import ErrorCode
from tickets.repository import Page
from tickets.schemas import parse_day
from tickets.search import folded_city
from tickets.sorting import Cursor, Sort

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
_CENT = Decimal("0.01")

_CURSOR = re.compile(r"([a-z-]+)\.(-?\d{1,10})?\.(.+)", re.ASCII)


def encode(cursor: Cursor, sort: Sort) -> str:
    """Includes the sort order: in another order the ticket has another position, or none."""
    key, ticket_id = cursor
    text = f"{sort}.{'' if key is None else key}.{ticket_id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(text: str, sort: Sort) -> Cursor:
    """Raises BadRequest for a text that `encode` did not produce for this sort order."""
    try:
        padded = text + "=" * (-len(text) % 4)
        found = _CURSOR.fullmatch(base64.urlsafe_b64decode(padded.encode()).decode())
        if found is None or found[1] != sort or not is_id(found[3]):
            raise ValueError
        if found[2] is None and sort is not Sort.SOONEST:
            raise ValueError
        return None if found[2] is None else int(found[2]), found[3]
    except (ValueError, binascii.Error):
        raise BadRequest("Cursor is not one of ours", "cursor", code=ErrorCode.CURSOR_INVALID) from None


async def page(
    q: Annotated[str, Query(max_length=100)] = "",
    min_price: Annotated[str, Query(alias="minPrice", max_length=100)] = "",
    max_price: Annotated[str, Query(alias="maxPrice", max_length=100)] = "",
    city: Annotated[str, Query(max_length=100)] = "",
    first_day: Annotated[str, Query(alias="from")] = "",
    last_day: Annotated[str, Query(alias="to")] = "",
    status: Literal["available", "held", "sold", "withdrawn"] | None = None,
    sort: Sort = Sort.NEWEST,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
) -> Page:
    if "\0" in q:
        # No regular expression of the database may hold one.
        raise BadRequest("Search must not hold control characters", "q", code=ErrorCode.Q_INVALID)
    least, most = _bound(min_price, "minPrice", ROUND_CEILING), _bound(max_price, "maxPrice", ROUND_FLOOR)
    if least is not None and most is not None and least > most:
        raise BadRequest(
            "The lowest price is above the highest", "minPrice", code=ErrorCode.PRICE_RANGE_INVALID
        )
    first, last = _day(first_day, "from"), _day(last_day, "to")
    if first is not None and last is not None and first > last:
        raise BadRequest("The first day is after the last", "from", code=ErrorCode.DAY_RANGE_INVALID)
    return Page(
        limit=limit,
        sort=sort,
        after=None if cursor is None else decode(cursor, sort),
        words=q.strip(),
        min_price=least,
        max_price=most,
        city=folded_city(city),
        first_day=first,
        last_day=last,
        status=status,
    )


def _bound(text: str, name: str, rounding: str) -> Money | None:
    """The end of a price range; None for the empty text of an empty form field.

    Any number is one: 0 and 2,000,000 bound a range, though neither is a price. Beyond the prices it is 0, or
    one above the highest.
    """
    if not text.strip():
        return None
    try:
        units = min(max(number(text), Decimal(0)), Decimal(MAX_UNITS + 1))
    except InvalidValue as error:
        raise BadRequest(error.message, name, code=error.code) from None
    return Money(int(units.quantize(_CENT, rounding) * 100))


def _day(text: str, name: str) -> date | None:
    """The end of a range of days, of any year; None for the empty text of an empty form field."""
    if not text.strip():
        return None
    try:
        return parse_day(text.strip())
    except InvalidValue as error:
        raise BadRequest(error.message, name, code=error.code) from None


PageQuery = Annotated[Page, Depends(page)]


def next_link(path: str, page: Page, seller: str | None, after: Cursor) -> str:
    """`Link` header (RFC 8288) for the page after that cursor: this page's query with another cursor."""
    query = {
        "q": page.words,
        "minPrice": "" if page.min_price is None else str(page.min_price),
        "maxPrice": "" if page.max_price is None else str(page.max_price),
        "city": page.city,
        "from": "" if page.first_day is None else page.first_day.isoformat(),
        "to": "" if page.last_day is None else page.last_day.isoformat(),
        "status": page.status or "",
        "sort": "" if page.sort is Sort.NEWEST else page.sort.value,
        "limit": str(page.limit),
        "seller": seller or "",
        "cursor": encode(after, page.sort),
    }
    return f'<{path}?{urlencode({k: v for k, v in query.items() if v})}>; rel="next"'
