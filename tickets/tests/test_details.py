"""What a seller may tell of the event besides."""

from datetime import timedelta

import orjson
import pytest

from common.base import times
from common.contract.details import NO_DETAILS, first_day
from common.contract.error_codes import ErrorCode
from common.contract.events import TicketCreated
from common.testing.answers import codes_of, errors_of
from common.testing.events import emitted
from common.testing.fake_stream import FakeStream
from tests.builders import Market

LONG_AGO = (first_day(times.now()) - timedelta(days=1)).isoformat()
OFFER = {"title": "Concert", "price": 20}
DETAILS = {"eventDate": "2087-05-31", "venue": "Great Hall, Ghent", "seat": "Row 3, 14"}


async def test_they_are_kept_shown_and_told(market: Market, stream: FakeStream) -> None:
    ticket = (await market.post(OFFER | DETAILS)).json()

    assert ticket.items() >= DETAILS.items()
    assert (await market.shown(ticket)).items() >= DETAILS.items()
    (event,) = await emitted(stream, "ticket.created", 1)
    assert event.items() >= DETAILS.items()


async def test_an_edit_replaces_them_and_one_without_them_takes_them_away(
    market: Market, stream: FakeStream
) -> None:
    ticket = (await market.post(OFFER | DETAILS)).json()

    moved = (await market.put(ticket, OFFER | DETAILS | {"seat": "Row 4"})).json()
    bare = (await market.put(ticket, OFFER)).json()

    assert (moved["seat"], moved["venue"]) == ("Row 4", "Great Hall, Ghent")
    assert [bare[name] for name in DETAILS] == [None, None, None]
    events = await emitted(stream, "ticket.updated", 2)
    assert [event["seat"] for event in events] == ["Row 4", None]


@pytest.mark.parametrize("empty", ["", None, "  "])
async def test_what_a_form_leaves_empty_is_not_told(market: Market, empty: str | None) -> None:
    answer = await market.post(OFFER | {"venue": empty, "seat": empty, "eventDate": (empty or "").strip()})

    assert [answer.json()[name] for name in DETAILS] == [None, None, None]


@pytest.mark.parametrize("day", ["9999-12-31", "2088-02-29"])
async def test_every_day_of_the_calendar_is_one(market: Market, day: str) -> None:
    ticket = (await market.post(OFFER | {"eventDate": day})).json()

    assert (await market.shown(ticket))["eventDate"] == day


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("eventDate", "tomorrow", "Date must be a day such as 2027-05-31"),
        ("eventDate", "2027-02-30", "Date must be a day such as 2027-05-31"),
        ("eventDate", "0000-01-01", "Date must be a day such as 2027-05-31"),
        ("eventDate", "20270531", "Date must be a day such as 2027-05-31"),
        ("eventDate", "\uff12027-05-31", "Date must be a day such as 2027-05-31"),
        ("eventDate", 20270531, "Date must be a day such as 2027-05-31"),
        ("eventDate", {"$gt": ""}, "Date must be a day such as 2027-05-31"),
        ("venue", "x" * 201, "Venue must be at most 200 characters"),
        ("venue", {"$gt": ""}, "Venue must be text"),
        ("venue", "a\x00b", "Venue must not hold control characters"),
        ("seat", "x" * 101, "Seat must be at most 100 characters"),
        ("seat", ["1"], "Seat must be text"),
        ("seat", "1\n2", "Seat must not hold control characters"),
        ("eventDate", "0001-01-01", "The date of the event is over"),
        ("eventDate", LONG_AGO, "The date of the event is over"),
        ("venue", "\u3164", "Venue must have at least one character that can be seen"),
        ("seat", "\u2800\ufe0f", "Seat must have at least one character that can be seen"),
        ("venue", "Evil \u202elliH", "Venue must not change the direction of writing"),
        ("seat", "\u20667", "Seat must not change the direction of writing"),
    ],
)
async def test_a_bad_one_is_refused_by_its_name(
    market: Market, field: str, value: object, message: str
) -> None:
    answer = await market.post(OFFER | {field: value})

    assert [(entry["field"], entry["message"]) for entry in errors_of(answer, 400)] == [(field, message)]
    assert set(codes_of(answer, 400).values()) <= set(ErrorCode)


def test_an_event_of_before_there_were_details_is_still_read() -> None:
    stored = {"id": "6b0582f0b0c437c1beb2573e", "version": 0, "title": "Concert", "price": 20, "userId": "u"}

    assert TicketCreated.model_validate_json(orjson.dumps(stored)).details == NO_DETAILS
