"""Shapes on the wire of the tickets API."""

import re
import unicodedata
from datetime import date
from typing import Annotated

from pydantic import BeforeValidator, TypeAdapter

from common.base import times
from common.base.characters import BIDI_CONTROLS, is_visible
from common.base.errors import InvalidValue, field_code
from common.base.money import Money, Price
from common.contract.details import DETAILS, Details, first_day
from common.contract.error_codes import ErrorCode
from common.http.body import Input, Output
from tickets.domain import Ticket
from tickets.files.schemas import FileOutput
from tickets.repository import Summary

MAX_TITLE = 200
MAX_VENUE = 200
MAX_CITY = 100
MAX_SEAT = 100
MAX_NOTES = 500
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Controls, surrogates, line breaks. Joiners within emoji and the spaces of other scripts are fine."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)


def _title(value: object) -> str:
    trimmed = value.strip() if isinstance(value, str) else ""
    if not any(map(is_visible, trimmed)):
        raise InvalidValue("Title is required", ErrorCode.TITLE_REQUIRED)
    return _line("title", trimmed, MAX_TITLE)


def _line(name: str, trimmed: str, longest: int) -> str:
    if len(trimmed) > longest:
        message = f"{name.title()} must be at most {longest} characters"
        raise InvalidValue(message, field_code(name, "too-long"))
    if any(unicodedata.category(character) in _UNPRINTABLE for character in trimmed):
        message = f"{name.title()} must not hold control characters"
        raise InvalidValue(message, field_code(name, "unprintable"))
    if not BIDI_CONTROLS.isdisjoint(trimmed):
        message = f"{name.title()} must not change the direction of writing"
        raise InvalidValue(message, field_code(name, "bidi-control"))
    if trimmed and not any(map(is_visible, trimmed)):
        message = f"{name.title()} must have at least one character that can be seen"
        raise InvalidValue(message, field_code(name, "invisible"))
    return trimmed


def _optional_line(name: str, longest: int) -> BeforeValidator:
    """None for null and for the empty text of an empty form field."""

    def check(value: object) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str):
            raise InvalidValue(f"{name.title()} must be text", field_code(name, "invalid"))
        return _line(name, value.strip(), longest) or None

    return BeforeValidator(check)


def _not_a_day() -> InvalidValue:
    return InvalidValue("Date must be a day such as 2027-05-31", ErrorCode.EVENT_DATE_INVALID)


def parse_day(text: str) -> date:
    """The day of `2027-05-31`. Raises InvalidValue."""
    if _DAY.fullmatch(text) is None:
        raise _not_a_day()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _not_a_day() from None


def _day(value: object) -> date | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise _not_a_day()
    day = parse_day(value)
    if day < first_day(times.now()):
        raise InvalidValue("The date of the event is over", ErrorCode.EVENT_DATE_PAST)
    return day


def _time(value: object) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or _TIME.fullmatch(value) is None:
        raise InvalidValue("Start time must be a time such as 19:30", ErrorCode.START_TIME_INVALID)
    return value


def _face_value(value: object) -> Money | None:
    if value is None or value == "":
        return None
    try:
        return Money.parse(value)
    except InvalidValue:
        message = "Face value must be a price such as 20.50"
        raise InvalidValue(message, ErrorCode.FACE_VALUE_INVALID) from None


def _notes(value: object) -> str | None:
    """Lines, of which each is checked as the other texts are. A browser sends `\\r\\n` between them."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidValue("Notes must be text", ErrorCode.NOTES_INVALID)
    text = value.replace("\r\n", "\n").strip()
    if len(text) > MAX_NOTES:
        raise InvalidValue(f"Notes must be at most {MAX_NOTES} characters", ErrorCode.NOTES_TOO_LONG)
    return "\n".join(_line("notes", line.strip(), MAX_NOTES) for line in text.split("\n")) or None


class TicketInput(Input):
    """The details may be left out, also of an edit, which then takes them away."""

    title: Annotated[str, BeforeValidator(_title)]
    price: Price
    event_date: Annotated[date | None, BeforeValidator(_day)] = None
    venue: Annotated[str | None, _optional_line("venue", MAX_VENUE)] = None
    seat: Annotated[str | None, _optional_line("seat", MAX_SEAT)] = None
    city: Annotated[str | None, _optional_line("city", MAX_CITY)] = None
    start_time: Annotated[str | None, BeforeValidator(_time)] = None
    face_value: Annotated[Price | None, BeforeValidator(_face_value)] = None
    notes: Annotated[str | None, BeforeValidator(_notes)] = None

    @property
    def details(self) -> Details:
        return Details(**{name: getattr(self, name) for name in DETAILS})


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
    user_id: str
    version: int
    order_id: str | None
    status: str
    delivery: str
    """A `Delivery`: whether the listing has the ticket's file, or its seller hands it over otherwise."""
    file: FileOutput | None
    """For its seller, and for who bought it."""

    @classmethod
    def of(cls, ticket: Ticket, viewer_id: str | None) -> "TicketOutput":
        """As that user may see it: to strangers `status` says the rest."""
        is_party = viewer_id is not None and ticket.is_party(viewer_id)
        return cls.model_construct(
            id=ticket.id,
            title=ticket.title,
            price=ticket.price,
            **ticket.details.by_name(),
            user_id=ticket.user_id,
            version=ticket.version,
            order_id=ticket.order_id if is_party else None,
            status=ticket.status,
            delivery=ticket.delivery,
            file=_file(ticket, viewer_id),
        )


def _file(ticket: Ticket, viewer_id: str | None) -> FileOutput | None:
    if ticket.file is None or viewer_id is None:
        return None
    may_see = viewer_id == ticket.user_id or ticket.is_buyer(viewer_id)
    return FileOutput.of(ticket.file) if may_see else None


TICKETS = TypeAdapter(list[TicketOutput])


class SummaryOutput(Output):
    """A seller's listings by status, and what the sold ones brought, in units of the currency."""

    available: int
    held: int
    sold: int
    withdrawn: int
    earned: float

    @classmethod
    def of(cls, summary: Summary) -> "SummaryOutput":
        return cls.model_construct(
            available=summary.counts["available"],
            held=summary.counts["held"],
            sold=summary.counts["sold"],
            withdrawn=summary.counts["withdrawn"],
            earned=summary.earned_cents / 100,
        )
