"""What an event's id says of the change that it reports."""

from typing import TypeVar

import pytest

from common.base.money import Money
from common.contract.events import ExpirationComplete, TicketUpdated
from common.messaging.events import Event
from common.messaging.publisher import Publisher, change_of
from common.testing.fake_stream import FakeStream

E = TypeVar("E", bound=Event)
RECORD = "65f0c0ffee65f0c0ffee65f0"
DIGITS = "123456789012345678901234"
"""An id that could be taken for a version."""


class TicketUpdatedPublisher(Publisher[TicketUpdated], source="tickets"): ...


class ExpirationCompletePublisher(Publisher[ExpirationComplete], source="expiration"): ...


def headers_of(publisher: type[Publisher[E]], event: E, version: int | None) -> dict[str, str]:
    return publisher(FakeStream()).envelope(event, version).headers


@pytest.mark.parametrize("record_id", [RECORD, DIGITS])
def test_an_event_with_a_version_names_its_record_and_its_version(record_id: str) -> None:
    event = TicketUpdated(id=record_id, version=12, title="Concert", price=Money(2000), user_id="u")

    assert change_of(headers_of(TicketUpdatedPublisher, event, 12)) == (record_id, 12)


@pytest.mark.parametrize("record_id", [RECORD, DIGITS])
def test_an_event_without_a_version_names_no_change(record_id: str) -> None:
    event = ExpirationComplete(order_id=record_id)

    assert change_of(headers_of(ExpirationCompletePublisher, event, None)) is None


@pytest.mark.parametrize("headers", [{}, {"ce-id": ""}, {"ce-id": f"ticket.updated:{RECORD}:x"}])
def test_a_message_whose_id_is_not_an_events_names_no_change(headers: dict[str, str]) -> None:
    assert change_of(headers) is None
