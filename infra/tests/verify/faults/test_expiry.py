"""Judge of the expiry: distinguishes early, late, double and missing ends."""

from datetime import UTC, datetime, timedelta

from infra.verify.events import Recorded
from infra.verify.faults.expiry import Held, judge

DUE = datetime(2026, 1, 1, tzinfo=UTC)
ORDER = Held("o", "t", DUE)
ENDED = {"o": ("cancelled", 1), "t": ("free", 2)}


def cancelled(sealed: float = 0.1, stored: float = 0.2) -> Recorded:
    moments = DUE + timedelta(seconds=sealed), DUE + timedelta(seconds=stored)
    return Recorded("order.cancelled", "o", {"id": "o", "version": 1}, *moments)


def updated(version: int, order_id: str | None) -> Recorded:
    return Recorded("ticket.updated", "t", {"id": "t", "version": version, "orderId": order_id}, DUE, DUE)


HELD, FREED = updated(1, "o"), updated(2, None)


def test_an_order_that_ended_once_after_its_time_is_well() -> None:
    judgement = judge([ORDER], [HELD, cancelled(), FREED], ENDED)

    assert (judgement.late, judgement.early, judgement.wrong) == ([0.2], [], [])


def test_a_decision_before_the_time_is_early_however_late_it_was_published() -> None:
    assert judge([ORDER], [HELD, cancelled(-0.001, 5), FREED], ENDED).early == [
        "order o: 0:00:00.001000 early"
    ]


def test_an_order_that_never_ends_is_wrong() -> None:
    judgement = judge([ORDER], [HELD], {"o": ("created", 0), "t": ("o", 1)})

    assert len(judgement.wrong) == 2
    assert judgement.late == []


def test_an_order_that_ends_twice_is_wrong() -> None:
    judgement = judge([ORDER], [HELD, cancelled(), cancelled(), FREED], ENDED)

    assert judgement.wrong == ["order o: ('cancelled', 1), cancelled 2 times"]


def test_a_ticket_that_is_freed_twice_is_wrong() -> None:
    judgement = judge([ORDER], [HELD, cancelled(), FREED, updated(3, None)], ENDED | {"t": ("free", 3)})

    assert judgement.wrong == ["ticket t: ('free', 3), freed 2 times"]
