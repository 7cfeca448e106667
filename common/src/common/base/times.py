"""Times are UTC with millisecond precision, the precision that BSON keeps, and end in Z on the wire."""

import math
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import PlainSerializer


def now() -> datetime:
    """The current time, cut to whole milliseconds so that it survives the database unchanged."""
    return to_millis(datetime.now(UTC))


def to_millis(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def whole_seconds(wait: timedelta) -> int:
    """As in `Retry-After`: 1 or more, rounded up, so that the wait is over by then."""
    return max(1, math.ceil(wait.total_seconds()))


def iso(moment: datetime) -> str:
    """`2026-01-31T12:00:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Moment = Annotated[datetime, PlainSerializer(iso)]
