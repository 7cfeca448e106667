"""The day of an order's event as a calendar entry (RFC 5545)."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from client.schemas import Order
from common.base import times

LONGEST_LINE = 75
"""Bytes of a line, without its end."""
HOURS = 3
"""Of an event with a start time: its end is not known."""


def entry(order: Order, address: str) -> str:
    """The order's ticket has a day. address: Of the order's page."""
    ticket = order.ticket
    lines = [
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//GitTix//GitTix//EN", "BEGIN:VEVENT"),
        f"UID:{order.id}@gittix",
        f"DTSTAMP:{times.now():%Y%m%dT%H%M%SZ}",
        *_span(order),
        f"SUMMARY:{_escaped(ticket.title)}",
        *([f"LOCATION:{_escaped(ticket.place)}"] if ticket.place else []),
        f"DESCRIPTION:{_escaped(address)}",
        *("END:VEVENT", "END:VCALENDAR"),
    ]
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line))


def _span(order: Order) -> tuple[str, str]:
    """A time at the venue has no zone: the calendar shows it as it is printed."""
    day, time = order.ticket.event_date, order.ticket.start_time
    assert day is not None
    if time is None:
        return f"DTSTART;VALUE=DATE:{day:%Y%m%d}", f"DTEND;VALUE=DATE:{day + timedelta(days=1):%Y%m%d}"
    start = datetime.combine(day, datetime.strptime(time, "%H:%M").time())
    return f"DTSTART:{start:%Y%m%dT%H%M%S}", f"DTEND:{start + timedelta(hours=HOURS):%Y%m%dT%H%M%S}"


def _escaped(text: str) -> str:
    for character in ("\\", ";", ","):
        text = text.replace(character, f"\\{character}")
    return text.replace("\n", "\\n")


def _folded(line: str) -> Iterator[str]:
    """Parts of at most LONGEST_LINE bytes, which begin with a blank from the second one on."""
    part = ""
    for character in line:
        if len((part + character).encode()) > LONGEST_LINE:
            yield part
            part = " "
        part += character
    yield part
