"""Repositories: the guards of concurrent writes, and the queries."""

from datetime import timedelta

import pytest

from common.base import times
from common.base.errors import Conflict, NotFound
from common.base.ids import new_id
from common.base.money import Money
from common.persistence.mongo import Database
from common.testing.fake_stream import FakeStream
from payments.domain import Attempt, AttemptStatus, Order, Payment
from payments.gateway import Intent, State
from payments.publishers import publishers
from payments.repository import Attempts, Repositories

NOW = times.now()


@pytest.fixture
async def stores(database: Database, stream: FakeStream) -> Repositories:
    stores = Repositories.over(database, publishers(stream))
    for store in (stores.payments, stores.attempts, stores.webhooks):
        await store.prepare()
    return stores


@pytest.fixture
def attempts(stores: Repositories) -> Attempts:
    return stores.attempts


def an_order() -> Order:
    return Order(new_id(), new_id(), "created", Money(1999), NOW + timedelta(minutes=15))


def an_attempt(order: Order, previous: Attempt | None = None) -> Attempt:
    return Attempt.begin(order, "tok_visa", previous, NOW, NOW)


def an_authorized(attempt: Attempt, name: str) -> Payment:
    payment = Payment.of(attempt)
    payment.authorize(Intent(name, attempt.order_id, attempt.charge.attempt, State.AUTHORIZED))
    return payment


async def status_of(attempts: Attempts, order: Order) -> tuple[int, AttemptStatus]:
    attempt = await attempts.find(order.id)
    assert attempt is not None
    return attempt.charge.attempt, attempt.status


async def test_an_attempt_is_read_as_it_was_stored(attempts: Attempts) -> None:
    attempt = an_attempt(an_order())
    assert await attempts.begin(attempt)
    assert await attempts.find(attempt.order_id) == attempt


async def test_the_first_attempt_begins_once(attempts: Attempts) -> None:
    order = an_order()
    assert await attempts.begin(an_attempt(order))
    assert not await attempts.begin(an_attempt(order))


async def test_the_next_begins_only_when_the_last_is_over(attempts: Attempts) -> None:
    order = an_order()
    first = an_attempt(order)
    second = an_attempt(order, first)
    await attempts.begin(first)
    assert not await attempts.begin(second)
    await attempts.finish(order.id, 1)
    assert not await attempts.begin(second)
    await attempts.decline(order.id, 1, "no")
    assert await attempts.begin(second)
    assert not await attempts.begin(second)
    assert await status_of(attempts, order) == (2, AttemptStatus.AUTHORIZING)


async def test_a_late_outcome_leaves_a_later_attempt_alone(attempts: Attempts) -> None:
    order = an_order()
    first = an_attempt(order)
    await attempts.begin(first)
    await attempts.fail(order.id, 1)
    await attempts.begin(an_attempt(order, first))
    assert not await attempts.decline(order.id, 1, "no")
    assert not await attempts.fail(order.id, 1)
    assert not await attempts.finish(order.id, 1)
    await attempts.postpone(first, NOW + timedelta(hours=1))
    [due] = await attempts.due(NOW, 10)
    assert await status_of(attempts, order) == (2, AttemptStatus.AUTHORIZING)
    assert due.charge.attempt == 2


async def test_a_late_authorisation_resolves_the_attempt_that_was_given_up(attempts: Attempts) -> None:
    order = an_order()
    first = an_attempt(order)
    await attempts.begin(first)
    await attempts.fail(order.id, 1)
    assert await attempts.finish(order.id, 1)
    assert await status_of(attempts, order) == (1, AttemptStatus.RESOLVED)
    assert not await attempts.begin(an_attempt(order, first))


@pytest.mark.parametrize("end", ["finish", "fail", "decline"])
async def test_an_attempt_that_is_over_is_not_due(attempts: Attempts, end: str) -> None:
    order = an_order()
    await attempts.begin(an_attempt(order))
    assert len(await attempts.due(NOW, 10)) == 1
    await (attempts.decline(order.id, 1, "no") if end == "decline" else getattr(attempts, end)(order.id, 1))
    assert await attempts.due(NOW + timedelta(days=1), 10) == []


async def test_an_order_has_one_payment(stores: Repositories) -> None:
    """Holds also if two processes chose different payment ids for the order."""
    order = an_order()
    await stores.payments.save(an_authorized(an_attempt(order), "pi_1"))
    with pytest.raises(Conflict):
        await stores.payments.save(an_authorized(an_attempt(order), "pi_2"))
    found = await stores.payments.of_order(order.id)
    assert found is not None
    assert found.intent_id == "pi_1"


async def test_the_same_payment_is_stored_once(stores: Repositories) -> None:
    attempt = an_attempt(an_order())
    await stores.payments.save(an_authorized(attempt, "pi_1"))
    with pytest.raises(Conflict):
        await stores.payments.save(an_authorized(attempt, "pi_2"))


async def test_a_payment_that_changed_meanwhile_is_not_overwritten(stores: Repositories) -> None:
    order = an_order()
    await stores.payments.save(an_authorized(an_attempt(order), "pi_1"))
    one, other = await stores.payments.of_order(order.id), await stores.payments.of_order(order.id)
    assert one is not None
    assert other is not None
    one.capture()
    other.void()
    await stores.payments.save(one)
    with pytest.raises(Conflict):
        await stores.payments.save(other)


async def test_payments_are_paged_for_a_comparison_with_the_provider(stores: Repositories) -> None:
    payments = [an_authorized(an_attempt(an_order()), f"pi_{n}") for n in range(5)]
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
