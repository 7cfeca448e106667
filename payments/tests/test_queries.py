"""Query plans of the payments database, over 100,000 documents of each kind: each query reads by an index."""

import random
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest

from common.base import times
from common.base.ids import new_id
from common.base.money import Money
from common.persistence.mongo import Database, Document
from common.testing.fake_stream import FakeStream
from common.testing.plans import faults_of, fill, missing, stored
from payments.domain import Attempt, AttemptStatus, Payment, Status
from payments.export import exports
from payments.fake_gateway import FakeGateway
from payments.gateway import Charge
from payments.publishers import publishers
from payments.repository import Repositories

pytestmark = pytest.mark.connected

COUNT = 100_000
NOW = times.now()
PRICE = Money(2_000)


def payments() -> Iterator[Payment]:
    """Payments, of which one in a hundred is open."""
    for number in range(COUNT):
        yield Payment(
            id=new_id(),
            version=0,
            order_id=f"order-{number}",
            user_id="buyer",
            amount=PRICE,
            status=Status.AUTHORIZED if number % 100 == 0 else Status.CAPTURED,
            intent_id=f"pi_{number}",
            attempt=1,
        )


def attempt(order_id: str, number: int = 1) -> Attempt:
    charge = Charge(order_id, number, f"key-{order_id}-{number}", "tok_visa", PRICE, NOW)
    return Attempt(new_id(), "buyer", AttemptStatus.AUTHORIZING, charge, "", NOW - timedelta(seconds=1))


def attempts() -> Iterator[Document]:
    """Attempts, of which one in a hundred has an unknown outcome. About half of these are due."""
    chance = random.Random(1)
    known = {"payment_id": new_id(), "user_id": "buyer", "status": str(AttemptStatus.RESOLVED), "number": 1}
    charge = {"key": "k", "token": "tok_visa", "amount_cents": PRICE.cents, "started_at": NOW, "words": ""}
    for number in range(COUNT):
        due = {"check_at": NOW + timedelta(minutes=chance.randint(-30, 30))} if number % 100 == 0 else {}
        yield {"_id": f"order-{number}", **known, **charge, **due}


def intents() -> Iterator[Document]:
    state = {"state": "authorized", "confirmed": "authorized", "words": "", "error": False}
    for number in range(COUNT):
        yield {
            "_id": f"pi_{number}",
            "order_id": f"order-{number}",
            "attempt": 1,
            "captures": 0,
            "voids": 0,
        } | state


async def test_every_query_reads_by_an_index(real_database: Database) -> None:
    repositories, gateway = (
        Repositories.over(real_database, publishers(FakeStream())),
        FakeGateway(real_database),
    )
    ours, orders = repositories.payments, repositories.orders
    tries, webhooks = repositories.attempts, repositories.webhooks
    declined = repositories.declined
    for each in (ours, tries, declined, webhooks, gateway):
        await each.prepare()
    kept = list(payments())
    await fill(ours.documents, stored(ours, kept))
    fields = {"user_id": "buyer", "status": "created", "price_cents": PRICE.cents, "expires_at": NOW}
    await fill(orders.documents, ({"_id": new_id(), "version": 0, **fields} for _ in range(COUNT)))
    await fill(real_database["attempts"], attempts())
    await fill(
        real_database["webhook_events"], ({"_id": f"evt_{n}", "received_at": NOW} for n in range(COUNT))
    )
    await fill(gateway.record, intents())
    one, order = kept[0], new_id()
    await orders.apply(order, 0, fields)
    begun = attempt(new_id())
    await tries.begin(begun)

    async def noop() -> None:
        pass

    failed = attempt(new_id())
    await tries.begin(failed)
    await tries.fail(failed.order_id, 1)
    placed = attempt(new_id())
    await tries.begin(placed)
    charge = begun.charge
    queries: dict[str, Callable[[], Awaitable[object]]] = {
        "payments.find": lambda: ours.find(one.id),
        "payments.get": lambda: ours.get(one.id),
        "payments.save": lambda: captured(repositories, one),
        "payments.of_order": lambda: ours.of_order(one.order_id),
        "payments.open_after": lambda: ours.open_after("", 200),
        "payments.open_after far on": lambda: ours.open_after(kept[COUNT // 2].id, 200),
        "payments.page": lambda: ours.page(kept[COUNT // 2].id, 200),
        "orders.find": lambda: orders.find(order),
        "orders.get": lambda: orders.get(order),
        "orders.lookup": lambda: orders.lookup(order),
        "orders.apply": lambda: orders.apply(order, 1, fields),
        "orders.in_order": lambda: orders.in_order(order, 2, noop),
        "attempts.find": lambda: tries.find("order-1"),
        "attempts.begin": lambda: tries.begin(attempt(failed.order_id, 2)),
        "attempts.restore": lambda: tries.restore(attempt(new_id())),
        "attempts.due": lambda: tries.due(NOW, 200),
        "attempts.lease": lambda: tries.lease(begun, NOW),
        "attempts.postpone": lambda: tries.postpone(begun, NOW),
        "attempts.decline": lambda: tries.decline(begun.order_id, 1, "No"),
        "attempts.fail": lambda: tries.fail(begun.order_id, 1),
        "attempts.finish": lambda: tries.finish(begun.order_id, 1),
        "declined.take_place": lambda: declined.take_place("buyer", 20),
        "declined.return_place": lambda: declined.return_place("buyer"),
        "declined.not_declined": lambda: declined.not_declined(placed.order_id, 1),
        "webhooks.receive": lambda: webhooks.receive("evt_1", {}, NOW),
        "webhooks.processed": lambda: webhooks.processed("evt_1", NOW),
        "gateway.authorize": lambda: gateway.authorize(charge),
        "gateway.find": lambda: gateway.find(charge),
        "gateway.retrieve": lambda: gateway.retrieve("pi_1"),
        "gateway.confirm": lambda: gateway.confirm("pi_1"),
        "gateway.capture": lambda: gateway.capture("pi_1", "key"),
        "gateway.void": lambda: gateway.void("pi_2", "key"),
        "relay.sweep": ours.relay.sweep,
    }

    # A payment is idempotent by its order, and needs no key.
    unused = {"payments.create", "payments.once"}
    assert missing(queries, payments=ours, orders=orders, attempts=tries, webhooks=webhooks) == unused
    own = exports(real_database)
    queries |= {f"export.{name}": partial(own.page, "u", f"{name}:") for name in own.sections}
    assert await faults_of(real_database, queries) == []


async def captured(repositories: Repositories, payment: Payment) -> None:
    payment.capture()
    await repositories.payments.save(payment)
    await repositories.payments.relay.drained()
