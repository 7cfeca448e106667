"""What a seller may tell of the event besides."""

from datetime import timedelta

import orjson
import pytest

from common.base import times
from common.contract.details import first_day
from common.contract.error_codes import ErrorCode
from common.contract.events import TicketCreated
from common.testing.answers import codes_of, errors_of
from common.testing.events import emitted
from common.testing.fake_stream import FakeStream
from tests.builders import Market

LONG_AGO = (first_day(times.now()) - timedelta(days=1)).isoformat()
OFFER = {"title": "Concert", "price": 20}
DETAILS = {
    "eventDate": "2087-05-31",
    "startTime": "19:30",
    "venue": "Great Hall",
    "city": "Ghent",
    "seat": "Row 3, 14",
    "faceValue": 18.5,
    "notes": "No bags.\nA drink is included.",
}
TIME = "Start time must be a time such as 19:30"
FACE_VALUE = "Face value must be a price such as 20.50"


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

    assert (moved["seat"], moved["venue"]) == ("Row 4", "Great Hall")
    assert [bare[name] for name in DETAILS] == [None] * len(DETAILS)
    events = await emitted(stream, "ticket.updated", 2)
    assert [event["seat"] for event in events] == ["Row 4", None]


@pytest.mark.parametrize("empty", ["", None, "  "])
async def test_what_a_form_leaves_empty_is_not_told(market: Market, empty: str | None) -> None:
    words = dict.fromkeys(("venue", "city", "seat", "notes"), empty)
    exact = dict.fromkeys(("eventDate", "startTime", "faceValue"), (empty or "").strip())
    answer = await market.post(OFFER | words | exact)

    assert [answer.json()[name] for name in DETAILS] == [None] * len(DETAILS)


async def test_notes_are_lines_as_a_browser_sends_them(market: Market) -> None:
    ticket = (await market.post(OFFER | {"notes": " No bags.\r\n\r\n A drink is included. "})).json()

    assert ticket["notes"] == "No bags.\n\nA drink is included."


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
        ("city", "x" * 101, "City must be at most 100 characters"),
        ("city", 5, "City must be text"),
        *(("startTime", time, TIME) for time in ("24:00", "7:30", "19:60", "19:30:00", "\uff119:30")),
        ("startTime", 1930, TIME),
        ("startTime", {"$gt": ""}, TIME),
        *(("faceValue", price, FACE_VALUE) for price in ("0", "-1", "free", "1.005", "1000001")),
        ("faceValue", True, FACE_VALUE),
        ("faceValue", {"$gt": ""}, FACE_VALUE),
        ("notes", "x" * 501, "Notes must be at most 500 characters"),
        ("notes", ["x"], "Notes must be text"),
        ("notes", "a\x00b", "Notes must not hold control characters"),
        ("notes", "Fine\nEvil \u202elliH", "Notes must not change the direction of writing"),
        ("notes", "Fine\n\u3164", "Notes must have at least one character that can be seen"),
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

    assert TicketCreated.model_validate_json(orjson.dumps(stored)).details is None
