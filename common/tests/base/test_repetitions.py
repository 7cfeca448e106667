"""Which repetitions of a line are logged."""

from common.base.logs import Repetitions


def test_a_cause_that_lasts_is_logged_ever_more_rarely() -> None:
    refusals = Repetitions()

    assert [number for number in range(1, 101) if refusals.is_due()] == [1, 2, 4, 8, 16, 32, 64]
    assert refusals.count == 100


def test_a_cause_that_went_and_came_again_is_logged_at_once() -> None:
    refusals = Repetitions()
    due = [refusals.is_due() for _ in range(7)]
    refusals.over()

    assert due == [True, True, False, True, False, False, False]
    assert refusals.count == 0
    assert refusals.is_due()
