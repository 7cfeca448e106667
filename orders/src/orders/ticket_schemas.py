"""Shapes on the wire that an order and a sale share: the ticket, a list's cursor."""

from datetime import date
from typing import Annotated

from pydantic import AfterValidator

from common.base.errors import InvalidValue
from common.base.ids import is_id
from common.base.money import Price
from common.contract.error_codes import ErrorCode
from common.http.body import Output
from orders.ticket import Ticket


class TicketOutput(Output):
    id: str
    title: str
    price: Price
    event_date: date | None
    venue: str | None
    seat: str | None
    city: str | None
    start_time: str | None
    face_value: Price | None
    notes: str | None

    @classmethod
    def of(cls, ticket: Ticket) -> "TicketOutput":
        return cls.model_construct(
            id=ticket.id,
            title=ticket.title,
            price=ticket.price,
            **ticket.details.by_name(),
        )


def _cursor(text: str) -> str:
    if not is_id(text):
        raise InvalidValue("Cursor is not one of ours", ErrorCode.CURSOR_INVALID)
    return text


Cursor = Annotated[str, AfterValidator(_cursor)]
"""The id of the last order that was seen."""
