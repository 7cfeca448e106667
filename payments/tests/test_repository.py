"""Repositories: the guards of concurrent writes, and the queries."""

from dataclasses import replace
from datetime import timedelta

import pytest

from common.base import times
from common.base.errors import Conflict, NotFound
from common.base.ids import new_id
from common.base.money import Money
from common.persistence.mongo import Database
from common.testing.fake_stream import FakeStream
from payments.charges import Charges
from payments.domain import Charge, ChargeStatus, Payment
from payments.gateway import Intent, State
from payments.order import Order
from payments.publishers import publishers
from payments.repository import Repositories

NOW = times.now()


@pytest.fixture
async def stores(database: Database, stream: FakeStream) -> Repositories:
    stores = Repositories.over(database, publishers(stream))
    for store in (stores.payments, stores.charges, stores.webhooks):
        await store.prepare()
    return stores


@pytest.fixture
def charges(stores: Repositories) -> Charges:
    return stores.charges


def an_order() -> Order:
    return Order(new_id(), new_id(), "created", Money(1999), NOW + timedelta(minutes=15))


def a_charge(order: Order, previous: Charge | None = None) -> Charge:
    return (previous or Charge.of(order, NOW)).with_card(NOW, NOW)


def an_authorized(charge: Charge, name: str) -> Payment:
    payment = Payment.of(charge)
    payment.authorize(Intent(name, charge.order_id, charge.number, State.AUTHORIZED))
    return payment


async def read(charges: Charges, order_id: str) -> Charge:
    charge = await charges.find(order_id)
    assert charge is not None
    return charge


async def status_of(charges: Charges, order: Order) -> ChargeStatus:
    return (await read(charges, order.id)).status


async def test_a_charge_is_read_as_it_was_stored_and_a_later_one_changes_nothing(charges: Charges) -> None:
    order = an_order()
    charge = Charge.of(order, NOW)
    await charges.add(charge)
    await charges.add(Charge.of(order, NOW))
    assert await charges.find(order.id) == charge
    fresh = a_charge(order, charge)
    assert await charges.begin(fresh, charge)
    assert await charges.find(order.id) == fresh


async def test_the_first_card_begins_once(charges: Charges) -> None:
    order = an_order()
    assert await charges.begin(a_charge(order), None)
    assert not await charges.begin(a_charge(order), None)


async def test_the_next_card_begins_only_when_the_last_is_over(charges: Charges) -> None:
    order = an_order()
    first = a_charge(order)
    second = a_charge(order, first)
    await charges.begin(first, None)
    assert not await charges.begin(second, first)
    await charges.finish(order.id, 1)
    assert not await charges.begin(second, first)
    await charges.decline(order.id, 1, "ch_1", "no")
    assert await charges.begin(second, first)
    assert not await charges.begin(second, first)
    assert await charges.find(order.id) == replace(second, decline_id="ch_1", declines=1)


async def test_a_decline_counts_once(charges: Charges) -> None:
    order = an_order()
    await charges.begin(a_charge(order), None)
    answers = [await charges.decline(order.id, 1, name, "no") for name in ("ch_1", "ch_1", "ch_2", "ch_2")]
    assert answers == [True, False, True, False]
    assert (await read(charges, order.id)).declines == 2


async def test_a_late_end_leaves_a_later_card_alone(charges: Charges) -> None:
    order = an_order()
    first = a_charge(order)
    await charges.begin(first, None)
    await charges.fail(first)
    second = a_charge(order, first)
    await charges.begin(second, first)
    assert not await charges.fail(first)
    assert await charges.find(order.id) == second


async def test_an_outcome_of_another_intent_leaves_the_charge_alone(charges: Charges) -> None:
    order = an_order()
    charge = a_charge(order)
    await charges.begin(charge, None)
    assert not await charges.decline(order.id, 2, "ch_1", "no")
    assert not await charges.finish(order.id, 2)
    assert await charges.find(order.id) == charge


async def test_a_late_authorisation_resolves_a_charge_that_was_open_for_another_card(
    charges: Charges,
) -> None:
    order = an_order()
    first = a_charge(order)
    await charges.begin(first, None)
    await charges.fail(first)
    assert await charges.finish(order.id, 1)
    assert await status_of(charges, order) is ChargeStatus.RESOLVED
    assert not await charges.begin(a_charge(order, first), first)
    assert await charges.due(NOW + timedelta(days=1), 10) == []


async def test_the_intent_is_stored_where_the_provider_made_it(charges: Charges) -> None:
    order = an_order()
    charge = Charge.of(order, NOW)
    await charges.add(charge)
    await charges.made(charge, "pi_1")
    assert (await read(charges, order.id)).intent_id == "pi_1"


async def test_something_that_makes_a_charge_due_is_stronger_than_the_end_of_a_lease(
    charges: Charges,
) -> None:
    order, later = an_order(), NOW + timedelta(minutes=1)
    charge = Charge.of(order, NOW)
    await charges.add(charge)
    assert await charges.lease(charge, later)
    assert not await charges.lease(charge, later)
    await charges.hurry(order.id, NOW)
    await charges.postpone(charge, later, None)
    [due] = await charges.due(NOW, 10)
    await charges.postpone(charge, NOW, None)
    assert due.order_id == order.id
    assert await charges.due(later, 10) == []
    await charges.hurry(order.id, NOW)
    assert await charges.due(later, 10) == []


async def test_an_order_has_one_payment(stores: Repositories) -> None:
    """Holds also if two processes chose different payment ids for the order."""
    order = an_order()
    await stores.payments.save(an_authorized(a_charge(order), "pi_1"))
    with pytest.raises(Conflict):
        await stores.payments.save(an_authorized(a_charge(order), "pi_2"))
    found = await stores.payments.of_order(order.id)
    assert found is not None
    assert found.intent_id == "pi_1"


async def test_the_same_payment_is_stored_once(stores: Repositories) -> None:
    charge = a_charge(an_order())
    await stores.payments.save(an_authorized(charge, "pi_1"))
    with pytest.raises(Conflict):
        await stores.payments.save(an_authorized(charge, "pi_2"))


async def test_a_payment_that_changed_meanwhile_is_not_overwritten(stores: Repositories) -> None:
    order = an_order()
    await stores.payments.save(an_authorized(a_charge(order), "pi_1"))
    one, other = await stores.payments.of_order(order.id), await stores.payments.of_order(order.id)
    assert one is not None
    assert other is not None
    one.capture()
    other.void()
    await stores.payments.save(one)
    with pytest.raises(Conflict):
        await stores.payments.save(other)


async def test_payments_are_paged_for_a_comparison_with_the_provider(stores: Repositories) -> None:
    payments = [an_authorized(a_charge(an_order()), f"pi_{n}") for n in range(5)]
    for payment in payments:
        await stores.payments.save(payment)
    payments[0].capture()
    await stores.payments.save(payments[0])
    ids = sorted(payment.id for payment in payments)
    first = [payment.id for payment in await stores.payments.page("", 3)]
    assert first + [payment.id for payment in await stores.payments.page(first[-1], 3)] == ids
    still_open = [payment.id for payment in await stores.payments.open_after("", 10)]
    assert still_open == [i for i in ids if i != payments[0].id]


async def test_an_order_that_is_not_known(stores: Repositories) -> None:
    assert await stores.orders.lookup(new_id()) is None
    with pytest.raises(NotFound):
        await stores.orders.get(new_id())


async def test_a_webhook_event_is_done_once_but_repeated_until_then(stores: Repositories) -> None:
    fields = {"type": "x", "intent_id": "pi_1"}
    assert await stores.webhooks.receive("evt_1", fields, NOW)
    assert await stores.webhooks.receive("evt_1", fields, NOW)
    await stores.webhooks.processed("evt_1", NOW)
    assert not await stores.webhooks.receive("evt_1", fields, NOW)
