"""Answers that a user received, and a database that does not agree with them."""

from typing import Any

import pytest
from tests.verify.reconcile.states import (
    CANCELLED,
    COMPLETE,
    FREE,
    PAYMENT,
    SOLD,
    VOIDED,
    World,
    broken,
    new_id,
)

from infra.verify.chaos import acknowledged
from infra.verify.chaos.ledger import Ledger, Listing, Purchase
from infra.verify.reconcile.report import Report


@pytest.fixture
async def world() -> World:
    world = World()
    await world.fill()
    return world


async def disagreements(world: World, ledger: Ledger) -> dict[str, list[str]]:
    report = Report()
    await acknowledged.check(world.books, ledger, report)
    return broken(report)


async def listing(world: World, **changes: Any) -> Ledger:
    stored = await world.books.tickets["tickets"].find_one({"_id": FREE})
    assert stored is not None
    values = {"id": FREE, "seller": stored["user_id"], "version": 0, "title": "Seat", "cents": 2000}
    return Ledger(listings={FREE: Listing(**{**values, **changes})})


async def purchase(world: World, order_id: str = COMPLETE, **changes: Any) -> Ledger:
    stored = await world.books.orders["orders"].find_one({"_id": order_id})
    assert stored is not None
    ticket_id = {COMPLETE: SOLD, CANCELLED: FREE}[order_id]
    values = {"id": order_id, "buyer": stored["user_id"], "ticket_id": ticket_id, "cents": 2000, "expires": 0}
    return Ledger(purchases={order_id: Purchase(**{**values, **changes})})


async def test_a_record_stored_as_it_was_answered_is_fine(world: World) -> None:
    assert not await disagreements(world, await listing(world))
    assert not await disagreements(world, await purchase(world, payment_id=PAYMENT, ended_as="complete"))
    assert not await disagreements(world, await purchase(world, CANCELLED, payment_id=VOIDED, cancelled=True))


@pytest.mark.parametrize(
    "changes",
    [
        {"id": new_id(99)},
        {"version": 1},
        {"title": "Other"},
        {"cents": 1},
        {"seller": "s"},
        {"withdrawn": True},
    ],
)
async def test_a_lost_listing_is_named(world: World, changes: dict[str, Any]) -> None:
    assert set(await disagreements(world, await listing(world, **changes))) == {acknowledged.LISTINGS}


async def test_a_later_version_may_hold_anything(world: World) -> None:
    await world.change("tickets.tickets", FREE, version=3, title="New", price_cents=5)
    assert not await disagreements(world, await listing(world))


@pytest.mark.parametrize("changes", [{"id": new_id(99)}, {"buyer": "b"}, {"ticket_id": FREE}, {"cents": 1}])
async def test_a_lost_order_is_named(world: World, changes: dict[str, Any]) -> None:
    assert set(await disagreements(world, await purchase(world, **changes))) == {acknowledged.ORDERS}


@pytest.mark.parametrize("changes", [{"cancelled": True}, {"ended_as": "cancelled"}])
async def test_an_order_that_ended_otherwise_is_named(world: World, changes: dict[str, Any]) -> None:
    assert set(await disagreements(world, await purchase(world, **changes))) == {acknowledged.ENDS}


async def test_a_payment_that_is_lost_or_open_is_named(world: World) -> None:
    lost = await purchase(world, payment_id=new_id(99))
    assert set(await disagreements(world, lost)) == {acknowledged.PAYMENTS}
    await world.change("payments.payments", PAYMENT, status="authorized")
    still_open = await purchase(world, payment_id=PAYMENT)
    assert set(await disagreements(world, still_open)) == {acknowledged.PAYMENTS}


async def test_a_hold_without_an_end_is_named(world: World) -> None:
    report = Report()
    await acknowledged.holds_are_over(world.books, report)
    assert set(broken(report)) == {acknowledged.OVER}
