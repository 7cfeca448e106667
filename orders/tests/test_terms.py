"""Until when a ticket is handed over, and until when its buyer may claim."""

from datetime import UTC, date, datetime, timedelta

import pytest

from orders.fulfilment.terms import Terms

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
TODAY = date(2026, 11, 27)
TERMS = Terms()


@pytest.mark.parametrize(
    ("day", "until"),
    [
        (None, NOW + 48 * HOUR),
        (date(2026, 12, 24), NOW + 48 * HOUR),
        # The 29th begins at 10:00 UTC of the 28th on Kiritimati.
        (date(2026, 11, 29), datetime(2026, 11, 28, 10, tzinfo=UTC)),
        # It has begun somewhere: the least time.
        (date(2026, 11, 28), NOW + 2 * HOUR),
        (TODAY, NOW + 2 * HOUR),
    ],
)
def test_a_ticket_is_handed_over_within_48_hours_or_before_its_day_begins_anywhere(
    day: date | None, until: datetime
) -> None:
    assert TERMS.deliver_by(NOW, day) == until


@pytest.mark.parametrize(
    ("day", "until"),
    [
        (None, NOW + 7 * DAY),
        # The day after, the 25th, ends at noon of the 26th UTC on Baker Island.
        (date(2026, 12, 24), datetime(2026, 12, 26, 12, tzinfo=UTC)),
        (TODAY, datetime(2026, 11, 29, 12, tzinfo=UTC)),
        # It is over: the least time from the delivery on.
        (date(2026, 11, 25), NOW + 24 * HOUR),
    ],
)
def test_a_buyer_may_claim_until_the_day_after_the_event_has_ended_everywhere(
    day: date | None, until: datetime
) -> None:
    assert TERMS.accept_by(NOW, day) == until


def test_an_order_of_an_older_release_has_at_least_a_week() -> None:
    assert TERMS.adopted_accept_by(NOW, date(2020, 1, 1)) == NOW + 7 * DAY
    assert TERMS.adopted_accept_by(NOW, date(2026, 12, 24)) == datetime(2026, 12, 26, 12, tzinfo=UTC)


def test_shorter_terms_shorten_the_least_times() -> None:
    terms = Terms(timedelta(seconds=5), timedelta(seconds=3))

    assert terms.deliver_by(NOW, TODAY) == NOW + timedelta(seconds=5)
    assert terms.accept_by(NOW, date(2026, 11, 20)) == NOW + timedelta(seconds=3)
