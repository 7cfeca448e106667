from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from common.base import times
from common.base.times import Moment
from common.persistence.mongo import Database

INDIA = timezone(timedelta(hours=5, minutes=30))


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31T12:00:00.000Z"),
        (datetime(2026, 1, 31, 12, 0, 0, 7000, tzinfo=UTC), "2026-01-31T12:00:00.007Z"),
        (datetime(2026, 1, 31, 3, 0, tzinfo=INDIA), "2026-01-30T21:30:00.000Z"),
    ],
)
def test_a_time_is_written_in_utc_with_z(moment: datetime, written: str) -> None:
    assert times.iso(moment) == written


@pytest.mark.parametrize(("microseconds", "kept"), [(0, 0), (999, 0), (1_000, 1_000), (999_999, 999_000)])
def test_a_time_is_cut_to_whole_milliseconds(microseconds: int, kept: int) -> None:
    moment = datetime(2026, 1, 31, 12, 0, 0, microseconds, tzinfo=UTC)

    assert times.to_millis(moment) == moment.replace(microsecond=kept)


@pytest.mark.parametrize(("seconds", "whole"), [(-3.0, 1), (0.0, 1), (0.2, 1), (1.0, 1), (1.2, 2), (5.0, 5)])
def test_a_wait_is_rounded_up_and_at_least_a_second(seconds: float, whole: int) -> None:
    assert times.whole_seconds(timedelta(seconds=seconds)) == whole


class Dated(BaseModel):
    at: Moment


@given(st.datetimes(datetime(1970, 1, 1), datetime(2999, 1, 1)).map(lambda t: t.replace(tzinfo=UTC)))
def test_a_time_in_milliseconds_survives_the_wire(moment: datetime) -> None:
    dated = Dated(at=times.to_millis(moment))

    assert Dated.model_validate_json(dated.model_dump_json()) == dated


async def test_now_survives_the_database(database: Database) -> None:
    now = times.now()
    await database["times"].insert_one({"_id": "1", "at": now})

    found = await database["times"].find_one({"_id": "1"})

    assert found == {"_id": "1", "at": now}
    assert abs(datetime.now(UTC) - now) < timedelta(seconds=5)
