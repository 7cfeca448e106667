"""A history as documents: what a batch does to those of earlier batches, and where versions come from."""

from collections.abc import Sequence

import pytest

from common.contract.events import PaymentCaptured, PaymentCreated, TicketCreated, TicketUpdated
from common.messaging.publisher import change_of
from common.persistence.mongo import Database, Document
from common.persistence.replay import Projection, Replay, replayed
from common.testing import fake_stream
from common.testing.events import emitted_by, publish
from common.testing.fake_stream import FakeStream
from tests.builders import a_change, a_creation

TITLES = Projection((TicketCreated, TicketUpdated), lambda event: {"title": event.title})
ORDERS = Projection((PaymentCreated, PaymentCaptured), lambda event: {"order_id": event.order_id})
ALL_DIGITS = "650000000000000000000001"


async def documents(replay: Replay, ids: Sequence[str]) -> list[Document]:
    found = await replay.find(ids)
    return [found[record] for record in ids if record in found]


async def test_a_batch_changes_the_documents_of_earlier_ones_and_leaves_those_that_it_repeats(
    stream: FakeStream, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake_stream, "HISTORY_BATCH", 2)
    await publish(stream, a_creation("a"), a_creation("b"))
    await publish(stream, a_change("a", 1, "v1"), a_creation("b"))
    await publish(stream, a_creation("c"))

    async with replayed(stream, database["tickets"], TITLES) as replay:
        found = await documents(replay, "abc")

    assert replay.events == 5
    assert found == [
        {"_id": "a", "version": 1, "fields": {"title": "v1"}},
        {"_id": "b", "version": 0, "fields": {"title": "Concert"}},
        {"_id": "c", "version": 0, "fields": {"title": "Concert"}},
    ]


async def test_an_event_without_a_version_has_the_one_of_its_id(
    stream: FakeStream, database: Database
) -> None:
    created = PaymentCreated(id=ALL_DIGITS, order_id="o", stripe_id="s")
    captured = PaymentCaptured(id=ALL_DIGITS, order_id="o")
    for version, event in enumerate((created, captured)):
        event_id = f"{event.subject}:{event.id}:{version}"
        await stream.publish(
            f"{event.subject}.{event.id}", event.to_json(), {"ce-id": event_id} | emitted_by("payments")
        )

    async with replayed(stream, database["payments"], ORDERS) as replay:
        assert await documents(replay, [ALL_DIGITS]) == [
            {"_id": ALL_DIGITS, "version": 1, "fields": {"order_id": "o"}}
        ]


@pytest.mark.parametrize(
    "headers", [{}, {"ce-id": f"payment.captured:{ALL_DIGITS}"}, {"ce-id": f"payment.captured:{ALL_DIGITS}:"}]
)
async def test_an_event_that_names_no_version_is_unreadable_also_where_its_record_is_all_digits(
    stream: FakeStream, database: Database, headers: dict[str, str]
) -> None:
    event = PaymentCaptured(id=ALL_DIGITS, order_id="o")
    headers = headers | emitted_by("payments")
    await stream.publish(f"payment.captured.{ALL_DIGITS}", event.to_json(), headers)

    async with replayed(stream, database["payments"], ORDERS) as replay:
        assert (replay.events, replay.unreadable) == (1, 1)
        assert await replay.documents.count_documents({}) == 0


async def test_an_event_that_its_owner_did_not_emit_is_replayed_into_nothing(
    stream: FakeStream, database: Database
) -> None:
    await publish(stream, a_creation("a"))
    forged = a_change("a", 1, "forged")
    await stream.publish("ticket.updated.a", forged.to_json(), emitted_by("client"))

    async with replayed(stream, database["tickets"], TITLES) as replay:
        (found,) = await documents(replay, ["a"])

    assert (found["version"], found["fields"], replay.unreadable) == (0, {"title": "Concert"}, 1)


def test_the_change_that_an_events_id_names_is_its_record_and_version() -> None:
    assert change_of({"ce-id": "ticket.updated:65f0:12"}) == ("65f0", 12)
