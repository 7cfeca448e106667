"""Shapes on the wire of the tickets API."""

import unicodedata
from typing import Annotated

from pydantic import BeforeValidator, TypeAdapter

from common.http.body import Input, Output
from common.money import Price
from tickets.domain import Ticket

MAX_TITLE = 200
_UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Controls, surrogates, line breaks. Joiners within emoji and the spaces of other scripts are fine."""


def _title(value: object) -> str:
    trimmed = value.strip() if isinstance(value, str) else ""
    if not any(character.isprintable() for character in trimmed):
        raise ValueError("Title is required")
    if len(trimmed) > MAX_TITLE:
        raise ValueError(f"Title must be at most {MAX_TITLE} characters")
    if any(unicodedata.category(character) in _UNSEEN for character in trimmed):
        raise ValueError("Title must not hold control characters")
    return trimmed


class TicketInput(Input):
    title: Annotated[str, BeforeValidator(_title)]
    price: Price


class TicketOutput(Output):
    id: str
    title: str
    price: Price
    user_id: str
    version: int
    order_id: str | None
    status: str

    @classmethod
    def of(cls, ticket: Ticket) -> "TicketOutput":
        return cls.model_construct(
            id=ticket.id,
            title=ticket.title,
            price=ticket.price,
            user_id=ticket.user_id,
            version=ticket.version,
            order_id=ticket.order_id,
            status=ticket.status,
        )


TICKETS = TypeAdapter(list[TicketOutput])
