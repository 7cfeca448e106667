"""Ranges of days that people ask for by name: today, this weekend, this month."""

from dataclasses import dataclass
from datetime import date, timedelta

from client.i18n import gettext_noop

SATURDAY = 5


@dataclass(frozen=True, slots=True)
class DayRange:
    """name: A message of the catalogue. first, last: ISO 8601, as a field of a form has them."""

    name: str
    first: str
    last: str


def day_ranges(today: date) -> list[DayRange]:
    """From today on; on a Sunday, the weekend is that day."""
    saturday = today + timedelta(days=max(0, SATURDAY - today.weekday()))
    sunday = today + timedelta(days=6 - today.weekday())
    month_ends = (today.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return [
        _range(gettext_noop("Today"), today, today),
        _range(gettext_noop("This weekend"), saturday, sunday),
        _range(gettext_noop("This month"), today, month_ends),
    ]


def _range(name: str, first: date, last: date) -> DayRange:
    return DayRange(name, first.isoformat(), last.isoformat())
