"""Errors: what each answer says, and the headers that go with it."""

from common.base.errors import (
    BadRequest,
    Conflict,
    ErrorEntry,
    Invalid,
    InvalidValue,
    KeyReused,
    NotFound,
    TooManyTries,
    field_code,
)

TITLE = ErrorEntry("Enter a title", "title-missing", "title")
PRICE = ErrorEntry("Enter a price", "price-missing", "price")


def test_an_error_is_one_entry_in_the_words_of_its_class_or_its_own() -> None:
    assert NotFound().entries == (ErrorEntry(NotFound.default_message, "not-found", None),)
    own = BadRequest("Too late", "day", code="day-over")
    assert own.entries == (ErrorEntry("Too late", "day-over", "day"),)
    assert (str(own), own.code) == ("Too late", "day-over")
    assert own.headers == {}
    value = InvalidValue("Too long", "title-too-long")
    assert (str(value), value.message, value.code) == ("Too long", "Too long", "title-too-long")


def test_several_bad_fields_are_an_error_of_the_first_with_an_entry_each() -> None:
    error = Invalid([TITLE, PRICE])

    assert error.entries == (TITLE, PRICE)
    assert (str(error), error.code) == (TITLE.message, TITLE.code)


def test_an_error_has_the_headers_of_its_class() -> None:
    assert TooManyTries(9).headers == {"Retry-After": "9"}
    assert KeyReused("/api/tickets/1").headers == {"Link": '</api/tickets/1>; rel="related"'}
    assert KeyReused("/api/tickets/1").created == "/api/tickets/1"
    assert KeyReused().headers == Conflict().headers == {}


def test_the_code_of_a_field_has_its_words_apart() -> None:
    assert field_code("eventDate", "invalid") == "event-date-invalid"
