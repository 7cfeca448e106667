"""Races, on the real database: the one in memory can't show any."""

import asyncio
from collections import Counter

import orjson
import pytest

from common.base.ids import new_id
from common.base.money import Money
from common.contract.stream import MARKETPLACE
from common.messaging.jetstream.stream import JetStream
from common.messaging.stream import ConsumerSpec, Stream
from common.persistence.mongo import Database
from common.testing.browser import a_user, running, signed_in
from common.testing.events import emitted
from common.testing.fake_stream import FakeStream
from common.testing.servers import server
from tests.builders import Market, an_app
from tickets import commands
from tickets.errors import HeldByAnother
from tickets.publishers import publishers
from tickets.repository import Repositories, TicketRepository

pytestmark = pytest.mark.connected


def of_another_process(database: Database, stream: Stream) -> TicketRepository:
    return Repositories.over(database, publishers(stream)).tickets


async def test_of_many_edits_at_once_each_is_one_version(real_database: Database, stream: FakeStream) -> None:
    seller = a_user()
    async with running(an_app(real_database, stream)) as client:
        market = Market(client, stream, seller)
        ticket = await market.a_ticket()
        bodies = [{"title": f"Edit {number}", "price": number} for number in range(1, 31)]

        answers = await asyncio.gather(*(market.put(ticket, body) for body in bodies))

        assert {answer.status_code for answer in answers} == {200}
        assert sorted(answer.json()["version"] for answer in answers) == list(range(1, 31))
        published = await emitted(stream, "ticket.updated", 30)
        assert [event["version"] for event in published] == list(range(1, 31))
        assert (await market.shown(ticket))["version"] == 30


async def test_of_400_listings_of_one_seller_at_once_exactly_100_are_stored(
    real_database: Database, stream: FakeStream
) -> None:
    replicas = [an_app(real_database, stream, max_listings=100) for _ in range(2)]
    async with running(replicas[0]) as first, running(replicas[1]) as second:
        markets = [Market(client, stream, a_user()) for client in (first, second)]
        offer, seller = {"title": "Concert", "price": 20}, a_user()

        answers = await asyncio.gather(*(markets[n % 2].post(offer, seller) for n in range(400)))

        assert Counter(answer.status_code for answer in answers) == {201: 100, 400: 300}
        slots = {ticket["slot"] for ticket in await real_database["tickets"].find({})}
        assert slots == set(range(1, 101))


async def test_of_200_new_listings_at_once_exactly_30_are_stored_in_the_hour(
    real_database: Database, stream: FakeStream
) -> None:
    replicas = [an_app(real_database, stream, listings_per_hour=30) for _ in range(2)]
    async with running(replicas[0]) as first, running(replicas[1]) as second:
        markets = [Market(client, stream, a_user()) for client in (first, second)]
        offer, seller = {"title": "Concert", "price": 20}, a_user()

        answers = await asyncio.gather(*(markets[n % 2].post(offer, seller) for n in range(200)))

        assert Counter(answer.status_code for answer in answers) == {201: 30, 429: 170}


async def test_an_edit_and_a_hold_at_once_leave_a_consistent_ticket(
    real_database: Database, stream: FakeStream
) -> None:
    seller = a_user()
    tickets = of_another_process(real_database, stream)
    async with running(an_app(real_database, stream)) as client:
        market = Market(client, stream, seller)
        offered = [await market.a_ticket() for _ in range(30)]

        async def race(ticket: dict[str, str]) -> tuple[int, int]:
            answer, _ = await asyncio.gather(
                market.put(ticket, {"title": "Opera", "price": 15}),
                commands.hold(tickets, ticket["id"], new_id(), Money(2000)),
            )
            return answer.status_code, (await market.shown(ticket))["version"]

        # Edited and then held, or held and the edit refused; nothing else.
        assert set(await asyncio.gather(*map(race, offered))) <= {(200, 2), (400, 1)}


async def test_of_many_orders_at_once_one_holds_the_ticket(
    real_database: Database, stream: FakeStream
) -> None:
    seller = a_user()
    tickets = of_another_process(real_database, stream)
    async with running(an_app(real_database, stream)) as client:
        market = Market(client, stream, seller)
        ticket = await market.a_ticket()
        orders = [new_id() for _ in range(30)]

        outcomes = await asyncio.gather(
            *(commands.hold(tickets, ticket["id"], order, Money(2000)) for order in orders),
            return_exceptions=True,
        )

        winner = orders[outcomes.index(None)]
        assert [type(outcome) for outcome in outcomes].count(HeldByAnother) == 29
        shown = await market.shown(ticket)
        assert (shown["orderId"], shown["version"]) == (winner, 1)


async def test_a_listing_flow_reaches_the_real_stream_in_order(
    real_database: Database, real_stream: Stream
) -> None:
    own_stream = JetStream(server("TEST_NATS_URL"), "tickets", MARKETPLACE)
    async with running(an_app(real_database, own_stream)) as client:
        seller = signed_in(a_user())

        async def flow() -> str:
            created = await client.post("/api/tickets", json={"title": "x", "price": 5}, headers=seller)
            ticket_id: str = created.json()["id"]
            for price in (10, 15):
                await client.put(
                    f"/api/tickets/{ticket_id}", json={"title": "x", "price": price}, headers=seller
                )
            return ticket_id

        ids = await asyncio.gather(*(flow() for _ in range(20)))
        source = await real_stream.source(ConsumerSpec("reader", ("ticket.>",)))
        histories: dict[str, list[tuple[int, float]]] = {ticket_id: [] for ticket_id in ids}
        async with asyncio.timeout(10):
            while sum(map(len, histories.values())) < 60:
                for delivery in await source.pull(100):
                    event = orjson.loads(delivery.data)
                    histories[event["id"]].append((event["version"], event["price"]))
                    await delivery.ack()

        assert all(history == [(0, 5), (1, 10), (2, 15)] for history in histories.values())
