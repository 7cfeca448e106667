"""The judge of the crash runs: it sees every kind of loss, and no loss where there is none."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from infra.verify.events import Recorded
from infra.verify.faults.agreement import compare, out_of_order, unheld, unlike

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RECORD = {"_id": "a", "version": 1}


def event(version: int, aggregate_id: str = "a", **body: Any) -> Recorded:
    content: Mapping[str, Any] = {"id": aggregate_id, "version": version, **body}
    return Recorded("ticket.updated", aggregate_id, content, NOW, NOW)


def test_every_change_with_its_event_is_well_also_when_one_is_stored_again() -> None:
    verdict = compare([RECORD], [event(0), event(1), event(0)], {"a": 1})

    assert (verdict.changes, verdict.lost, verdict.phantom) == (2, [], [])


def test_a_change_without_its_event_is_lost() -> None:
    assert compare([RECORD], [event(1)], {}).lost == ["a:0 has no event"]


def test_a_change_that_was_confirmed_and_is_not_there_is_lost() -> None:
    verdict = compare([RECORD], [event(0), event(1)], {"a": 2, "b": 0})

    assert verdict.lost == ["a:2 was confirmed, and isn't there", "b:0 was confirmed, and isn't there"]


def test_an_event_without_its_change_is_a_phantom() -> None:
    verdict = compare([RECORD], [event(0), event(1), event(2), event(0, "b")], {})

    assert verdict.phantom == [
        "ticket.updated a:2 is no saved change",
        "ticket.updated b:0 is no saved change",
    ]


def test_two_different_events_of_one_version_are_a_phantom() -> None:
    verdict = compare([RECORD], [event(0), event(1, price=5), event(1, price=6)], {})

    assert verdict.phantom == ["a has two different events of version 1"]


def test_a_version_that_is_first_stored_after_a_later_one_is_out_of_order() -> None:
    assert out_of_order([event(0), event(1), event(0), event(2)]) == []
    assert out_of_order([event(1), event(0)]) == ["ticket.updated a:0 came late"]


def test_a_replica_that_lags_or_differs_is_seen() -> None:
    ticket = {"_id": "a", "version": 1, "title": "Seat", "price_cents": 500, "order_id": "o"}

    assert unlike([ticket], [ticket | {"user_id": "u"}]) == []
    assert unlike([ticket], [ticket | {"version": 0}]) == ["a differs from its replica"]
    assert unlike([ticket], []) == ["a differs from its replica"]


def test_a_ticket_is_held_by_the_order_that_keeps_it_and_by_no_other() -> None:
    keeping, ended = {"_id": "o", "reservation": "a"}, {"_id": "o"}
    held, free = {"_id": "a", "order_id": "o"}, {"_id": "a", "order_id": None}

    assert unheld([held], [keeping]) == unheld([free], [ended]) == []
    assert unheld([free], [keeping]) == ["a is held by None, not by o"]
    assert unheld([held], [ended]) == ["a is held by o, not by None"]
