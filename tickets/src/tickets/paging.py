"""Pages by key: a cursor names the last ticket that was seen, so a page costs the same at any depth."""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import Depends, Query

from common.errors import BadRequest
from common.ids import is_id
from tickets.domain import Ticket
from tickets.repository import Cursor, Page

DEFAULT_LIMIT = 50
MAX_LIMIT = 100


def encode(cursor: Cursor) -> str:
    return base64.urlsafe_b64encode(f"{cursor[0]}.{cursor[1]}".encode()).decode().rstrip("=")


def decode(text: str) -> Cursor:
    """Raises BadRequest for anything that `encode` didn't give."""
    try:
        padded = text + "=" * (-len(text) % 4)
        cents, _, ticket_id = base64.urlsafe_b64decode(padded.encode()).decode().partition(".")
        if not is_id(ticket_id) or not cents.isdecimal() or len(cents) > 10:
            raise ValueError
        return int(cents), ticket_id
    except (ValueError, binascii.Error):
        raise BadRequest("Cursor is not one of ours", "cursor") from None


async def page(
    q: Annotated[str, Query(max_length=100)] = "",
    sort: Literal["newest", "price"] = "newest",
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
) -> Page:
    if "\0" in q:
        # No regular expression of the database may hold one.
        raise BadRequest("Search must not hold control characters", "q")
    after = None if cursor is None else decode(cursor)
    return Page(limit=limit, by_price=sort == "price", after=after, words=q.strip())


PageQuery = Annotated[Page, Depends(page)]


def next_link(path: str, page: Page, seller: str | None, shown: Sequence[Ticket]) -> str:
    """The `Link` header's value (RFC 8288) for the page after `shown`."""
    last = shown[-1]
    query = {
        "q": page.words,
        "sort": "price" if page.by_price else "",
        "limit": str(page.limit),
        "seller": seller or "",
        "cursor": encode((last.price.cents, last.id)),
    }
    return f'<{path}?{urlencode({k: v for k, v in query.items() if v})}>; rel="next"'
