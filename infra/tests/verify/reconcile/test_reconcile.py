"""Each disagreement is named, with both sides; data that agrees is not named."""

from datetime import timedelta
from typing import Any

import pytest
from tests.verify.reconcile.states import (
    CANCELLED,
    COMPLETE,
    FREE,
    HELD,
    HOLD,
    INTENT,
    LIVE,
    NOW,
    PAYMENT,
    SOLD,
    VOIDED,
    VOIDED_INTENT,
    World,
    broken,
    new_id,
)

from infra.verify.reconcile import holds, ledger, leftovers, money, versions
from infra.verify.reconcile.report import SHOWN, Report

TICKETS_COPY, ORDERS_COPY, PROGRESS = (
    "orders' copy of tickets",
    "payments' copy of orders",
    "tickets' progress of orders",
)


@pytest.fixture
async def world() -> World:
    world = World()
    await world.fill()
    return world


async def test_a_marketplace_in_which_all_agrees_is_clean(world: World) -> None:
    report = await world.look()
    assert broken(report) == {}
    assert all(finding.compared for finding in report.findings.values())


@pytest.mark.parametrize("where", ["tickets.tickets", "orders.tickets"])
async def test_details_of_which_none_is_given_agree_with_absent_ones(world: World, where: str) -> None:
    await world.change(where, FREE, details={"event_date": None, "venue": None, "seat": None})

    assert broken(await world.look()) == {}


async def test_details_that_differ_in_one_are_named(world: World) -> None:
    await world.change("tickets.tickets", FREE, details={"event_date": None, "venue": "Hall", "seat": None})

    assert set(broken(await world.look())) == {TICKETS_COPY}


def _entry(movement: str, account: str, cents: int) -> dict[str, Any]:
    return {"movement": movement, "account": account, "cents": cents}


CAPTURE = (_entry("capture", "provider", 2000), _entry("capture", "held", -2000))

CHANGES: list[tuple[str, str, dict[str, Any], set[str], str]] = [
    ("tickets.tickets", HELD, {"order_id": None}, {holds.HELD_BY, TICKETS_COPY}, f"{LIVE!r} / None"),
    (
        "tickets.tickets",
        FREE,
        {"order_id": CANCELLED},
        {holds.HELD_BY, TICKETS_COPY},
        f"None / {CANCELLED!r}",
    ),
    ("tickets.tickets", SOLD, {"sold": False}, {holds.SOLD}, "True / False"),
    ("tickets.tickets", HELD, {"sold": True}, {holds.SOLD}, "False / True"),
    ("orders.orders", CANCELLED, {"reservation": FREE}, {holds.RESERVED, holds.HELD_BY}, f"None / {FREE!r}"),
    ("orders.tickets", SOLD, {"version": 0}, {TICKETS_COPY}, f"{SOLD} version: 1 / 0"),
    ("orders.tickets", SOLD, {"version": 2}, {TICKETS_COPY}, f"{SOLD} version: 1 / 2"),
    ("orders.tickets", FREE, {"version": None}, {TICKETS_COPY}, f"{FREE} version: 0 / None"),
    ("orders.tickets", SOLD, {"title": "Old"}, {TICKETS_COPY}, "title: 'Seat' / 'Old'"),
    ("orders.tickets", SOLD, {"price_cents": 1}, {TICKETS_COPY}, "price_cents: 2000 / 1"),
    ("orders.tickets", SOLD, {"order_id": None}, {TICKETS_COPY}, f"order_id: {COMPLETE!r} / None"),
    ("orders.tickets", FREE, {"withdrawn": True}, {TICKETS_COPY}, "withdrawn: False / True"),
    ("payments.orders", LIVE, {"version": 1}, {ORDERS_COPY}, f"{LIVE} version: 0 / 1"),
    ("payments.orders", COMPLETE, {"status": "created"}, {ORDERS_COPY}, "status: 'complete' / 'created'"),
    ("tickets.orders", CANCELLED, {"version": 0}, {PROGRESS}, f"{CANCELLED} version: 1 / 0"),
    ("payments.payments", PAYMENT, {"amount_cents": 1999}, {money.AMOUNT}, "2000 / 1999"),
    ("payments.fake_provider_intents", INTENT, {"amount_cents": 1}, {money.AMOUNT}, "2000 / 1"),
    ("payments.fake_provider_intents", INTENT, {"captures": 2}, {money.ONE_CAPTURE}, f"{INTENT} 2 times"),
    (
        "payments.fake_provider_intents",
        VOIDED_INTENT,
        {"state": "authorized"},
        {money.OPEN},
        f"'cancelled' / live intents ['{VOIDED_INTENT}']",
    ),
    (
        "payments.fake_provider_intents",
        VOIDED_INTENT,
        {"state": "awaiting"},
        {money.OPEN},
        f"'cancelled' / live intents ['{VOIDED_INTENT}']",
    ),
    ("payments.fake_provider_intents", INTENT, {"captures": 0}, {money.ONE_CAPTURE}, f"{INTENT} 0 times"),
    (
        "payments.fake_provider_intents",
        INTENT,
        {"state": "voided", "captures": 0},
        {money.TAKEN},
        f"['{INTENT}'] / []",
    ),
    ("payments.payments", PAYMENT, {"intent_id": "pi_3"}, {money.TAKEN}, f"['pi_3'] / ['{INTENT}']"),
    ("orders.orders", CANCELLED, {"payment": None}, {money.SHOWN}, "'voided' / None"),
    (
        "payments.fake_provider_intents",
        VOIDED_INTENT,
        {"state": "captured", "captures": 1},
        {money.TAKEN},
        f"'cancelled' / captured intents ['{VOIDED_INTENT}']",
    ),
    (
        "payments.fake_provider_intents",
        INTENT,
        {"state": "authorized", "captures": 0},
        {money.TAKEN, money.OPEN},
        f"['{INTENT}'] / []",
    ),
    (
        "payments.payments",
        PAYMENT,
        {"status": "voided"},
        {money.STATES, money.SHOWN, money.TAKEN},
        "'complete' / 'voided'",
    ),
    (
        "payments.payments",
        VOIDED,
        {"status": "authorized"},
        {money.STATES, money.SHOWN},
        "'cancelled' / 'authorized'",
    ),
    (
        "payments.payments",
        PAYMENT,
        {"entries": [_entry("capture", "provider", 2000)]},
        {ledger.ZERO, ledger.BALANCE},
        "{'capture': 2000}",
    ),
    (
        "payments.payments",
        PAYMENT,
        {"entries": [*CAPTURE, _entry("refund", "held", 2000), _entry("refund", "refunds", -2000)]},
        {ledger.RECORD},
        "in fake_provider_refunds: 2000 / 0",
    ),
    (
        "payments.payments",
        PAYMENT,
        {"entries": [_entry("capture", "provider", 1999), _entry("capture", "held", -1999)]},
        {ledger.BALANCE},
        "captured / in the ledger: 2000 / 1999",
    ),
    (
        "payments.payments",
        PAYMENT,
        {
            "entries": [
                *CAPTURE,
                *(_entry("refund", "held", 2000), _entry("refund", "refunds", -2000)),
                *(_entry("payout", "held", 2000), _entry("payout", "seller:s", -2000)),
            ]
        },
        {ledger.ONE_SIDE, ledger.RECORD, ledger.BALANCE},
        "'seller': -2000",
    ),
    (
        "payments.payments",
        PAYMENT,
        {"entries": [*CAPTURE, _entry("dispute", "held", 2000), _entry("dispute", "refunds", -2000)]},
        {ledger.RECORD},
        "in fake_provider_disputes: 2000 / 0",
    ),
    ("payments.payments", PAYMENT, {"fulfilment": "refunded"}, {ledger.DECIDED}, "'refunded' / ''"),
    ("orders.orders", COMPLETE, {"payment": "authorized"}, {money.SHOWN}, "'captured' / 'authorized'"),
    ("payments.payments", PAYMENT, {"version": 2}, {versions.COMPLETE}, f"payment {PAYMENT}: version stored"),
]


@pytest.mark.parametrize(("where", "record_id", "fields", "checks", "words"), CHANGES)
async def test_a_change_on_one_side_is_named(
    world: World, where: str, record_id: str, fields: dict[str, Any], checks: set[str], words: str
) -> None:
    await world.change(where, record_id, **fields)
    found = broken(await world.look())
    assert set(found) == checks
    assert any(words in line for lines in found.values() for line in lines)


@pytest.mark.parametrize(
    ("where", "record_id", "check"),
    [
        ("tickets.tickets", FREE, holds.RESERVED),
        ("orders.tickets", FREE, TICKETS_COPY),
        ("payments.orders", LIVE, ORDERS_COPY),
        ("orders.orders", LIVE, ORDERS_COPY),
        ("tickets.orders", LIVE, PROGRESS),
        ("payments.payments", PAYMENT, money.STATES),
        ("orders.orders", COMPLETE, money.ORPHANS),
        ("tickets.tickets", FREE, versions.SAVED),
    ],
)
async def test_a_lost_record_is_named(world: World, where: str, record_id: str, check: str) -> None:
    database, _, collection = where.partition(".")
    await getattr(world.books, database)[collection].delete_one({"_id": record_id})
    assert check in broken(await world.look())


async def test_two_live_orders_of_a_ticket_are_named(world: World) -> None:
    await world.change("orders.orders", LIVE, reservation=SOLD)
    found = broken(await world.look())
    assert found[holds.ONE_LIVE] == [f"ticket {SOLD}: orders {LIVE}, {COMPLETE}"]


async def test_two_payments_of_an_order_are_named(world: World) -> None:
    await world.change("payments.payments", VOIDED, order_id=COMPLETE)
    assert money.ONE_PAYMENT in broken(await world.look())


async def test_two_captures_of_an_order_are_named(world: World) -> None:
    await world.add_intent("pi_3", COMPLETE, "captured")
    assert set(broken(await world.look())) == {money.ONE_CAPTURE, money.TAKEN}


async def test_an_event_in_an_outbox_is_named(world: World) -> None:
    entry = {"id": "ticket.created:1", "at": NOW}
    await world.change("tickets.tickets", FREE, outbox=[entry])
    assert broken(await world.look()) == {
        leftovers.OUTBOXES: [f"tickets {FREE}: version 0 / unpublished ticket.created:1"]
    }


async def test_a_parked_message_is_named(world: World) -> None:
    parked = {"_id": 41, "subject": f"ticket.updated.{FREE}", "since": NOW}
    await world.books.orders["parked"].insert_one(parked)
    assert broken(await world.look()) == {
        leftovers.PARKED: [f"orders: ticket.updated.{FREE}, number 41 / waits since {NOW}"]
    }


async def test_a_timer_is_overdue_some_seconds_after_it_was_due(world: World) -> None:
    world.timers = {COMPLETE: NOW}
    report = await world.look(NOW + timedelta(seconds=4))
    assert not broken(report)
    assert "1 timers of finished orders are not due yet" in report.notes[-1]
    found = broken(await world.look(NOW + timedelta(seconds=6)))
    assert found == {leftovers.TIMERS: [f"order {COMPLETE}: 'complete' / timer due at {NOW}"]}


@pytest.mark.parametrize(("status", "holds_long"), [("created", 1), ("awaiting:payment", 2)])
async def test_a_live_order_is_overdue_after_its_hold(world: World, status: str, holds_long: int) -> None:
    await world.change("orders.orders", LIVE, status=status)
    world.timers = {}
    over = NOW + holds_long * HOLD
    assert leftovers.OVERDUE not in broken(await world.look(over + timedelta(seconds=4)))
    assert leftovers.OVERDUE in broken(await world.look(over + timedelta(seconds=6)))


async def test_a_hole_in_the_event_store_is_named(world: World) -> None:
    world.events.remove(f"ticket.created:{HELD}:0")
    found = broken(await world.look())
    assert found == {versions.COMPLETE: [f"ticket {HELD}: version 0 expected / ticket.updated:{HELD}:1"]}


async def test_an_event_that_never_reached_the_store_is_named(world: World) -> None:
    world.events.remove(f"order.completed:{COMPLETE}:1")
    found = broken(await world.look())
    assert found == {versions.COMPLETE: [f"order {COMPLETE}: version stored / last in the stream: 1 / 0"]}


async def test_events_of_a_record_that_is_lost_are_named(world: World) -> None:
    lost = new_id(99)
    world.events.append(f"order.created:{lost}:0")
    found = broken(await world.look())
    assert found == {versions.SAVED: [f"order {lost}: no such record / version 0 in the stream"]}


async def test_an_event_of_a_version_that_was_not_saved_is_named(world: World) -> None:
    world.events.append(f"order.cancelled:{LIVE}:1")
    found = broken(await world.look())
    assert found == {versions.SAVED: [f"order {LIVE}: version stored / last in the stream: 0 / 1"]}


@pytest.mark.parametrize("other", [f"ticket.updated:{FREE}:0", (f"ticket.created:{FREE}:0", b"dearer")])
async def test_two_different_events_of_one_version_are_named(
    world: World, other: str | tuple[str, bytes]
) -> None:
    world.events.append(other)
    found = broken(await world.look())
    assert found == {versions.SAVED: [f"ticket {FREE}: two different events of version 0"]}


async def test_a_version_that_is_stored_after_a_later_one_is_named(world: World) -> None:
    world.events.remove(f"ticket.created:{HELD}:0")
    world.events.append(f"ticket.created:{HELD}:0")
    found = broken(await world.look())
    assert found == {versions.COMPLETE: [f"ticket {HELD}: version 0 expected / ticket.updated:{HELD}:1"]}


async def test_an_acknowledged_change_that_is_not_stored_is_named(world: World) -> None:
    report, lost = Report(), new_id(99)
    await versions.confirmed(world.books, {HELD: 1, FREE: 0, COMPLETE: 2, lost: 0}, report)
    assert broken(report) == {
        versions.CONFIRMED: [
            f"{COMPLETE}: version answered / stored: 2 / 1",
            f"{lost}: version answered / stored: 0 / -1",
        ]
    }


async def test_a_repeated_event_is_no_disagreement(world: World) -> None:
    world.events.append(f"ticket.created:{FREE}:0")
    assert not broken(await world.look())


async def test_a_long_stream_is_read_in_several_passes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "AT_ONCE", 4)
    assert not broken(await world.look())
    world.events.remove(f"ticket.created:{FREE}:0")
    assert set(broken(await world.look())) == {versions.COMPLETE}


async def test_without_the_providers_record_it_is_not_compared(world: World) -> None:
    await world.books.payments[money.RECORD].drop()
    report = await world.look()
    assert not broken(report)
    assert money.TAKEN not in report.findings


def test_the_first_twenty_disagreements_are_shown() -> None:
    report = Report()
    for number in range(SHOWN + 5):
        report.equal("check", f"record {number}", 1, 2)
    assert (report.findings["check"].disagreements, len(report.findings["check"].shown)) == (25, SHOWN)
    assert "… and 5 more" in report.details()
    assert not report.is_clean
