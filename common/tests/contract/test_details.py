"""When the day of an event is over."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.base.money import Money
from common.contract.details import DETAILS, NO_DETAILS, Details, first_day

EVENT = Details(event_date=date(2027, 5, 31))


@pytest.mark.parametrize(
    ("now", "over"),
    [
        (datetime(2027, 5, 31, 23, 59, tzinfo=UTC), False),
        (datetime(2027, 6, 1, 11, 59, 59, 999_000, tzinfo=UTC), False),
        (datetime(2027, 6, 1, 12, tzinfo=UTC), True),
        (datetime(2027, 6, 2, 1, 59, tzinfo=timezone(timedelta(hours=14))), False),
        (datetime(2027, 6, 2, 2, tzinfo=timezone(timedelta(hours=14))), True),
    ],
)
def test_a_day_is_over_once_it_has_ended_everywhere_on_earth(now: datetime, over: bool) -> None:
    assert EVENT.is_over(now) is over


def test_without_a_day_nothing_is_ever_over() -> None:
    assert not NO_DETAILS.is_over(datetime(9999, 12, 31, tzinfo=UTC))


@given(st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29)), st.integers(-12, 14))
def test_no_day_is_over_where_it_is_still_today(local: datetime, offset: int) -> None:
    now = local.replace(tzinfo=timezone(timedelta(hours=offset)))

    assert not Details(event_date=local.date()).is_over(now)
    assert first_day(now) in (
        local.date(),
        local.date() - timedelta(days=1),
        local.date() - timedelta(days=2),
    )


ALL = Details(date(2027, 5, 31), "La Scala", "Row 4, 12", "Milano", "19:30", Money(1850), "No bags")


@pytest.mark.parametrize("details", [NO_DETAILS, EVENT, ALL])
def test_details_are_read_back_from_a_document(details: Details) -> None:
    document = details.to_document()

    assert document.keys() == set(DETAILS)
    assert Details.from_document(document) == details


def test_a_day_is_stored_as_text_and_an_older_record_has_no_details() -> None:
    assert (ALL.to_document()["event_date"], ALL.to_document()["face_value"]) == ("2027-05-31", 1850)
    assert Details.from_document(None) == NO_DETAILS
    assert Details.from_document({"event_date": None}) == NO_DETAILS
