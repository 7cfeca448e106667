"""Query plans of the payments database, over 100,000 documents of each kind: each query reads by an index."""

import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest

from common.base import times
from common.base.ids import new_id
from common.base.money import Money
from common.persistence.mongo import Database, Document
from common.testing.fake_stream import FakeStream
from common.testing.plans import faults_of, fill, missing, stored
from payments.balances import Balances
from payments.domain import Charge, ChargeStatus, Payment, Status
from payments.dues import Due
from payments.export import exports
from payments.fake_gateway import FakeGateway
from payments.gateway import Account
from payments.order import Fulfilment, Order
from payments.publishers import publishers
from payments.repository import Repositories

pytestmark = pytest.mark.connected

COUNT = 100_000
NOW = times.now()
SELLER = new_id()
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


def charge(status: ChargeStatus = ChargeStatus.CONFIRMING) -> Charge:
    order = Order(new_id(), "buyer", "created", PRICE, NOW)
    return replace(Charge.of(order, NOW).with_card(NOW, NOW - timedelta(seconds=1)), status=status)


def charges() -> Iterator[Document]:
    """Charges, of which one in a hundred has no payment yet. About half of these are due."""
    chance = random.Random(1)
    fields = {"payment_id": new_id(), "user_id": "buyer", "status": "known", "number": 1, "intent_number": 1}
    fields |= {
        "intent_id": "pi",
        "key": "k",
        "token": "",
        "amount_cents": PRICE.cents,
        "started_at": NOW,
        "words": "",
    }
    for number in range(COUNT):
        due = {"due_at": NOW + timedelta(minutes=chance.randint(-30, 30))} if number % 100 == 0 else {}
        checked = {"check_at": NOW + timedelta(minutes=chance.randint(-30, 30))} if number % 500 == 1 else {}
        yield {"_id": f"order-{number}", **fields, **due, **checked}


def intents() -> Iterator[Document]:
    state = {"state": "authorized", "confirmed": "authorized", "words": "", "error": False, "answers": []}
    for number in range(COUNT):
        yield {
            "_id": f"pi_{number}",
            "key": f"order:order-{number}",
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
    ones, webhooks, attempts = repositories.charges, repositories.webhooks, repositories.attempts
    declined = repositories.declined
    for each in (ours, repositories.dues, ones, attempts, declined, webhooks, gateway):
        await each.prepare()
    kept = list(payments())
    await fill(ours.documents, stored(ours, kept))
    fields = {"user_id": "buyer", "status": "created", "price_cents": PRICE.cents, "expires_at": NOW}
    await fill(orders.documents, ({"_id": new_id(), "version": 0, **fields} for _ in range(COUNT)))
    await fill(real_database["attempts"], charges())
    await fill(
        real_database["webhook_events"], ({"_id": f"evt_{n}", "received_at": NOW} for n in range(COUNT))
    )
    await fill(gateway.record, intents())
    one, order = kept[0], new_id()
    await orders.apply(order, 0, fields)
    begun, ready, placed = charge(), charge(ChargeStatus.READY), charge()
    for each_of in (begun, ready, placed):
        await ones.begin(each_of, None)

    dues, accounts = repositories.dues, repositories.accounts
    balances, due = Balances(real_database, Decimal(0)), Due("order-7", Fulfilment.ACCEPTED, NOW, NOW, 0)
    for number in range(0, COUNT, 100):
        await dues.follow(f"order-{number}", 1, Fulfilment.DELIVERED, SELLER, NOW)

    await accounts.add(Account("acct_1", SELLER, False, ()))

    async def noop() -> None:
        pass

    queries: dict[str, Callable[[], Awaitable[object]]] = {
        "payments.find": lambda: ours.find(one.id),
        "payments.get": lambda: ours.get(one.id),
        "payments.save": lambda: captured(repositories, one),
        "payments.of_order": lambda: ours.of_order(one.order_id),
        "payments.open_after": lambda: ours.open_after("", 200),
        "payments.open_after far on": lambda: ours.open_after(kept[COUNT // 2].id, 200),
        "payments.page": lambda: ours.page(kept[COUNT // 2].id, 200),
        "dues.follow": lambda: dues.follow("order-7", 3, Fulfilment.ACCEPTED, SELLER, NOW),
        "dues.of_order": lambda: dues.of_order("order-7"),
        "dues.due": lambda: dues.due(NOW, 200),
        "dues.lease": lambda: dues.lease(due, NOW),
        "dues.postpone": lambda: dues.postpone(due, NOW, NOW),
        "dues.refused": lambda: dues.refused(due),
        "dues.hurry": lambda: dues.hurry("order-7", NOW),
        "dues.hurry_seller": lambda: dues.hurry_seller(SELLER, NOW),
        "dues.done": lambda: dues.done("order-7"),
        "accounts.of": lambda: accounts.of(SELLER),
        "accounts.show": lambda: accounts.show(Account("acct_1", SELLER, True, ())),
        "balances.sales": lambda: balances.sales(SELLER, 50),
        "balances.sales far on": lambda: balances.sales(SELLER, 50, kept[COUNT // 2].id),
        "orders.find": lambda: orders.find(order),
        "orders.get": lambda: orders.get(order),
        "orders.lookup": lambda: orders.lookup(order),
        "orders.apply": lambda: orders.apply(order, 1, fields),
        "orders.in_order": lambda: orders.in_order(order, 2, noop),
        "charges.find": lambda: ones.find("order-1"),
        "charges.begin": lambda: ones.begin(ready.with_card(NOW, NOW), ready),
        "charges.made": lambda: ones.made(begun, "pi_1"),
        "charges.restore": lambda: ones.restore(charge()),
        "charges.due": lambda: ones.due(NOW, 200),
        "charges.lease": lambda: ones.lease(begun, NOW),
        "charges.postpone": lambda: ones.postpone(begun, NOW, NOW),
        "charges.hurry": lambda: ones.hurry(begun.order_id, NOW),
        "charges.decline": lambda: ones.decline(begun.order_id, 1, "ch_1", "No"),
        "charges.fail": lambda: ones.fail(begun),
        "charges.finish": lambda: ones.finish(begun.order_id, 1),
        "attempts.due": lambda: attempts.due(NOW, 200),
        "attempts.lease": lambda: attempts.lease("order-1", NOW, NOW),
        "declined.take_place": lambda: declined.take_place("buyer", 20),
        "declined.return_place": lambda: declined.return_place("buyer"),
        "declined.not_declined": lambda: declined.not_declined(placed.order_id, 1),
        "webhooks.receive": lambda: webhooks.receive("evt_1", {}, NOW),
        "webhooks.processed": lambda: webhooks.processed("evt_1", NOW),
        "gateway.confirm": lambda: gateway.confirm("pi_3", "key", "tok_visa"),
        "gateway.retrieve": lambda: gateway.retrieve("pi_1"),
        "gateway.after_step": lambda: gateway.after_step("pi_1"),
        "gateway.capture": lambda: gateway.capture("pi_1", "key"),
        "gateway.void": lambda: gateway.void("pi_2", "key"),
        "relay.sweep": ours.relay.sweep,
    }

    # A payment is idempotent by its order, and needs no key. `add` only inserts, and these are of commands.
    unused = {"payments.create", "payments.once", "charges.add", "charges.hurry_all", "accounts.add"}
    unused |= {"orders.with_fulfilment", "dues.hurry_all"}
    # It sums all payments of the seller, by their index.
    unused |= {"balances.of"}
    named = {"payments": ours, "orders": orders, "charges": ones, "attempts": attempts, "webhooks": webhooks}
    assert missing(queries, **named, dues=dues, accounts=accounts, balances=balances) == unused
    own = exports(real_database)
    queries |= {f"export.{name}": partial(own.page, "u", f"{name}:") for name in own.sections}
    assert await faults_of(real_database, queries) == []


async def captured(repositories: Repositories, payment: Payment) -> None:
    payment.capture()
    await repositories.payments.save(payment)
    await repositories.payments.relay.drained()
