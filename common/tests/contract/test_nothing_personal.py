"""No e-mail address, name or free text about a person is in an event: the stream stores events for ever.

A new field fails here until it is listed. It belongs on the list if it is an id, a code of ours, a number,
a time, or the listing's own words.
"""

from collections.abc import Iterator
from inspect import isclass
from typing import Annotated, Any, get_args, get_origin

import pytest

from common.base.money import Money
from common.contract import events
from common.messaging.events import Event, WireModel

IDS = {"id", "user_id", "order_id", "seller_id", "stripe_id"}
CODES = {"status", "ended_because", "delivery", "kind"}
WORDS_OF_A_LISTING = {"title", "venue", "seat", "city", "start_time", "notes"}
MOMENTS = {"expires_at", "ended_at", "completed_at", "deliver_by", "accept_by", "at"}
TIMES = {"event_date": "date", **dict.fromkeys(MOMENTS, "datetime")}

ALLOWED = {
    **dict.fromkeys(IDS | CODES | WORDS_OF_A_LISTING, "str"),
    **TIMES,
    **dict.fromkeys(("price", "face_value", "amount"), Money.__name__),
    "version": "int",
    **dict.fromkeys(("withdrawn", "open"), "bool"),
}
"""The name of a field to the type of its value, None aside."""

EVERY = [kind for kind in vars(events).values() if isclass(kind) and issubclass(kind, Event)]


def leaves(model: type[WireModel]) -> Iterator[tuple[str, str]]:
    """Name and type of each field, those of nested models included."""
    for name, field in model.model_fields.items():
        for kind in _types(field.annotation):
            if isclass(kind) and issubclass(kind, WireModel):
                yield from leaves(kind)
            else:
                yield name, getattr(kind, "__name__", repr(kind))


def _types(annotation: Any) -> set[Any]:
    """The types of a value and of what it holds: `{str}` for `str | None`, `{datetime}` for a `Moment`."""
    if get_origin(annotation) is Annotated:
        return _types(get_args(annotation)[0])
    parts = get_args(annotation) or (annotation,)
    inner = {kind for part in parts if part is not annotation for kind in _types(part)}
    return (inner or {annotation}) - {type(None)}


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_an_event_has_only_the_listed_fields_each_of_its_type(kind: type[Event]) -> None:
    assert [leaf for leaf in leaves(kind) if ALLOWED.get(leaf[0]) != leaf[1]] == []


def test_every_subject_is_among_the_events_looked_at() -> None:
    assert {kind.subject for kind in EVERY if hasattr(kind, "subject")} == set(events.Subject)


def test_a_person_in_a_new_field_or_in_a_nested_one_is_noticed() -> None:
    class Buyer(WireModel):
        email: str | None = None

    class Named(events.OrderCompleted):
        buyer: Buyer
        version: str  # type: ignore[assignment]  # free text under a permitted name

    found = {leaf for leaf in leaves(Named) if ALLOWED.get(leaf[0]) != leaf[1]}
    assert found == {("email", "str"), ("version", "str")}
