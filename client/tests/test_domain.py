from datetime import UTC, datetime, timedelta

import pytest

from client.domain import Progress
from client.schemas import Order, OrderedTicket
from common.base.ids import new_id
from common.base.money import Money

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("left", "clock"),
    [(900, "15:00"), (899.2, "15:00"), (61, "01:01"), (0.4, "00:01"), (-5, "00:00"), (7200, "120:00")],
)
def test_the_clock_shows_the_time_left_and_no_less_than_zero(left: float, clock: str) -> None:
    order = Order(
        id=new_id(),
        status="created",
        expiresAt=NOW + timedelta(seconds=left),
        ticket=OrderedTicket(id=new_id(), title="Concert", price=Money(2000)),
    )

    assert Progress(order, NOW).clock == clock
