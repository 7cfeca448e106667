"""Races, on the real database: the one in memory can't show any."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable
from datetime import timedelta

import pytest

from common.contract.events import DeadlineKind
from common.persistence.mongo import Database
from common.testing.browser import a_user, running, signed_in
from common.testing.events import deliver, emitted
from common.testing.fake_stream import FakeStream
from orders import commands
from orders.fulfilment import commands as fulfilling
from orders.fulfilment.sweep import sweep
from orders.publishers import publishers
from orders.repository import Repositories
from tests.builders import HOLD, TERMS, Json, Offer, Shop, an_app

pytestmark = pytest.mark.connected

TICKETS, BUYERS = 20, 200
AT_ONCE = 400


async def test_of_200_buyers_at_once_exactly_one_gets_each_ticket(
    real_database: Database, stream: FakeStream
) -> None:
    async with running(an_app(real_database, stream)) as client:
        shop = Shop(client, stream, real_database, a_user())
        offers = [await shop.an_offer() for _ in range(TICKETS)]
        buyers = [signed_in(a_user()) for _ in range(BUYERS)]
        tries = [(offer.id, buyer) for offer in offers for buyer in buyers]
        random.shuffle(tries)
        room = asyncio.Semaphore(AT_ONCE)

        async def buy(ticket_id: str, buyer: dict[str, str]) -> tuple[str, int, str]:
            async with room:
                answer = await client.post("/api/orders", json={"ticketId": ticket_id}, headers=buyer)
            return ticket_id, answer.status_code, "" if answer.status_code == 201 else answer.text

        answers = await asyncio.gather(*(buy(*one) for one in tries))

        assert Counter(ticket_id for ticket_id, status, _ in answers if status == 201) == Counter(
            offer.id for offer in offers
        )
        assert {text for _, status, text in answers if status != 201} == {
            '{"errors":[{"code":"ticket-reserved","message":"Ticket is already reserved"}]}'
        }
        assert {status for _, status, _ in answers} == {201, 400}
        published = await emitted(stream, "order.created", TICKETS)
        assert {event["ticket"]["id"] for event in published} == {offer.id for offer in offers}
        assert await real_database["orders"].count_documents({}) == TICKETS


async def test_of_1000_tickets_that_one_account_orders_at_once_it_holds_five(
    real_database: Database, stream: FakeStream
) -> None:
    account = a_user()
    replicas = [an_app(real_database, stream, max_open_orders=5) for _ in range(2)]
    async with running(replicas[0]) as first, running(replicas[1]) as second:
        offers = [Offer() for _ in range(1_000)]
        await deliver(stream, *(offer.created() for offer in offers))
        shops = [Shop(client, stream, real_database, account) for client in (first, second)]
        answers = await asyncio.gather(
            *(shops[number % 2].post({"ticketId": offer.id}) for number, offer in enumerate(offers))
        )
        rival = await asyncio.gather(*(shops[0].post({"ticketId": o.id}, a_user()) for o in offers))

    assert Counter(answer.status_code for answer in answers) == {201: 5, 429: 995}
    assert all(0 < int(answer.headers["Retry-After"]) <= 900 for answer in answers if answer.is_error)
    assert Counter(answer.status_code for answer in rival) == {201: 995, 400: 5}


async def test_of_cancelling_paying_and_expiring_at_once_exactly_one_happens(
    real_database: Database, stream: FakeStream
) -> None:
    rival = Repositories.over(real_database, publishers(stream))
    elsewhere = rival.orders
    async with running(an_app(real_database, stream)) as client:
        shop = Shop(client, stream, real_database, a_user())
        orders = [await shop.an_order() for _ in range(100)]
        for order in orders:
            # Due, and within the grace of the service's own sweep.
            await shop.let_time_pass(order, HOLD * 0)

        async def race(order: Json) -> None:
            rivals = [
                shop.delete(order),
                commands.complete(rival, order["id"], TERMS),
                commands.expire(elsewhere, order["id"], HOLD),
            ]
            random.shuffle(rivals)
            await asyncio.gather(*rivals)

        await asyncio.gather(*map(race, orders))

        ends = {order["id"]: await shop.status(order) for order in orders}
        completed = {event["id"] for event in await published_by_now(stream, "order.completed")}
        cancelled = {event["id"] for event in await published_by_now(stream, "order.cancelled")}
        assert set(ends.values()) <= {("complete", 1), ("cancelled", 1)}
        assert completed == {order_id for order_id, end in ends.items() if end[0] == "complete"}
        assert cancelled == {order_id for order_id, end in ends.items() if end[0] == "cancelled"}
        assert len(completed) + len(cancelled) == 100


async def test_of_everything_that_decides_a_sale_at_once_exactly_one_does(
    real_database: Database, stream: FakeStream
) -> None:
    """The deadline by the timer and by the sweep of two processes, the buyer's acceptance and claim, the
    seller's refund, and a dispute at the bank.
    """
    rival = Repositories.over(real_database, publishers(stream))
    async with running(an_app(real_database, stream)) as client:
        shop = Shop(client, stream, real_database, a_user())
        offers = [Offer() for _ in range(100)]
        sales = [await shop.a_sale(offer, has_file=True) for offer in offers]
        claim = {"reason": "not-valid", "words": "Refused at the door."}

        async def race(offer: Offer, order: Json) -> None:
            await shop.let_deadline_pass(order, timedelta(0))
            rivals: list[Awaitable[object]] = [
                fulfilling.pass_deadline(rival.orders, order["id"], DeadlineKind.ACCEPTANCE),
                fulfilling.dispute_at_bank(rival.orders, order["id"], True),
                shop.press(order, "acceptance"),
                shop.press(order, "refund", offer.seller),
                shop.press(order, "claims", body=claim),
                sweep(rival, TERMS),
            ]
            random.shuffle(rivals)
            await asyncio.gather(*rivals)

        await asyncio.gather(*map(race, offers, sales))

        kinds = ("accepted", "refunded", "disputed")
        events = [(kind, e) for kind in kinds for e in await published_by_now(stream, f"order.{kind}")]
        ends = Counter(event["id"] for kind, event in events if kind != "disputed")
        shown = {order["id"]: await shop.shown(order) for order in sales}
        assert max(ends.values()) == 1
        for order_id, order in shown.items():
            about = sorted((event["version"], kind) for kind, event in events if event["id"] == order_id)
            assert about[-1][1] == order["fulfilment"]
            assert (order["fulfilment"] == "disputed") == (order_id not in ends)


async def published_by_now(stream: FakeStream, subject: str) -> list[Json]:
    """Once nothing more comes."""
    count = -1
    while count != (count := len(stream.of(subject))):
        await asyncio.sleep(0.3)
    return await emitted(stream, subject, count)


async def test_a_ticket_changes_hands_many_times_without_two_holders(
    real_database: Database, stream: FakeStream
) -> None:
    async with running(an_app(real_database, stream)) as client:
        shop = Shop(client, stream, real_database, a_user())
        offer = await shop.an_offer()
        holders: list[str] = []

        async def buy_and_let_go() -> bool:
            user = a_user()
            answer = await shop.post({"ticketId": offer.id}, user)
            if answer.status_code != 201:
                return False
            holders.append(user.id)
            assert len(holders) == 1
            await asyncio.sleep(random.uniform(0, 0.005))
            holders.remove(user.id)
            assert (await shop.delete(answer.json(), user)).status_code == 204
            return True

        async def keep_trying() -> None:
            while not await buy_and_let_go():
                await asyncio.sleep(random.uniform(0, 0.01))

        await asyncio.gather(*(keep_trying() for _ in range(20)))

        await emitted(stream, "order.created", 20)
        await emitted(stream, "order.cancelled", 20)


async def test_shuffled_and_repeated_events_of_tickets_apply_in_order(
    real_database: Database, stream: FakeStream
) -> None:
    async with running(an_app(real_database, stream)):
        offers = [Offer() for _ in range(20)]
        events = [
            event
            for offer in offers
            for event in (
                offer.created(cents=500),
                offer.updated(1, cents=1000),
                offer.updated(2, cents=1500),
            )
        ]
        random.shuffle(events)

        await deliver(stream, *events, *events)

        found = await real_database["tickets"].find({})
        assert sorted(
            (ticket["_id"], ticket["version"], ticket["price_cents"]) for ticket in found
        ) == sorted((offer.id, 2, 1500) for offer in offers)
