"""Races that only a real database shows."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from common.base.identity import CurrentUser
from common.base.ids import new_id
from common.contract.stream import MARKETPLACE
from common.messaging.jetstream.stream import JetStream
from common.messaging.stream import Stream
from common.persistence.mongo import Database, connect
from common.testing.browser import a_user, running, signed_in
from common.testing.fixtures import server
from payments import payouts
from payments.app import create_app
from payments.context import PaymentContext, Timing
from payments.settings import Settings
from payments.sweep import OpenPayments, sweep_dues
from tests.orders import AnOrder, emit
from tests.steered import SteeredGateway

pytestmark = pytest.mark.connected


@pytest.fixture
async def pods(
    settings: Settings,
    real_database: Database,
    real_stream: Stream,  # noqa: ARG001  # empties the stream
) -> AsyncIterator[list[tuple[httpx.AsyncClient, PaymentContext]]]:
    """Two processes of the service, each with its own connections. Both share one consumer."""
    async with AsyncExitStack() as stack:
        found = []
        for _ in range(2):
            database = connect(server("TEST_MONGO_URI"), real_database.name)
            stream, gateway = (
                JetStream(server("TEST_NATS_URL"), "payments", MARKETPLACE),
                SteeredGateway(database),
            )
            app = create_app(settings, database=database, stream=stream, gateway=gateway)
            found.append((await stack.enter_async_context(running(app)), app.state.context))
        yield found


async def known(context: PaymentContext, order: AnOrder, status: str) -> None:
    async with asyncio.timeout(10):
        while (found := await context.repositories.orders.lookup(order.id)) is None or found.status != status:
            await asyncio.sleep(0.01)


def confirmations(pods: list[tuple[httpx.AsyncClient, PaymentContext]]) -> int:
    """Number of cards that reached the provider."""
    gateways = (context.gateway for _, context in pods)
    return sum(gateway.confirmations for gateway in gateways if isinstance(gateway, SteeredGateway))


async def intents(database: Database, order: AnOrder) -> list[dict[str, Any]]:
    return await database["fake_provider_intents"].find({"order_id": order.id})


async def test_twenty_at_once_are_one_charge(
    pods: list[tuple[httpx.AsyncClient, PaymentContext]], real_database: Database, real_stream: Stream
) -> None:
    for token in ("tok_visa", "tok_slow", "tok_timeout"):
        order, before = AnOrder(), confirmations(pods)
        await emit(real_stream, order.created())
        await known(pods[0][1], order, "created")
        body, headers = {"orderId": order.id, "token": token}, signed_in(order.buyer)
        answers = await asyncio.gather(
            *(pods[n % 2][0].post("/api/payments", json=body, headers=headers) for n in range(20))
        )
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert len(await intents(real_database, order)) == 1
        assert confirmations(pods) - before == 1
        assert await real_database["payments"].count_documents({"order_id": order.id}) == 1


async def test_of_one_account_s_declines_at_30_orders_at_once_twenty_reach_the_provider(
    pods: list[tuple[httpx.AsyncClient, PaymentContext]], real_stream: Stream
) -> None:
    buyer = a_user()
    orders = [AnOrder(buyer=buyer) for _ in range(30)]
    for order in orders:
        await emit(real_stream, order.created())
    for order in orders:
        await known(pods[0][1], order, "created")

    async def pay(number: int, order: AnOrder) -> int:
        body = {"orderId": order.id, "token": "tok_chargeDeclined"}
        client, _ = pods[number % 2]
        return (await client.post("/api/payments", json=body, headers=signed_in(buyer))).status_code

    answers = await asyncio.gather(*(pay(*one) for one in enumerate(orders)))

    assert Counter(answers) == {402: 20, 429: 10}
    assert confirmations(pods) == 20


async def test_paying_and_cancelling_at_once(
    pods: list[tuple[httpx.AsyncClient, PaymentContext]], real_database: Database, real_stream: Stream
) -> None:
    """In any order of events, no money stays reserved for a cancelled order."""
    orders = [AnOrder() for _ in range(40)]
    for order in orders:
        await emit(real_stream, order.created())
    for order in orders:
        await known(pods[0][1], order, "created")

    async def pay(n: int, order: AnOrder) -> None:
        body, headers = {"orderId": order.id, "token": "tok_visa"}, signed_in(order.buyer)
        answer = await pods[n % 2][0].post("/api/payments", json=body, headers=headers)
        assert answer.status_code in (201, 400)

    async def cancel(n: int, order: AnOrder) -> None:
        await asyncio.sleep(n % 10 * 0.005)
        await emit(real_stream, order.cancelled())

    await asyncio.gather(
        *(pay(n, order) for n, order in enumerate(orders)), *(cancel(n, o) for n, o in enumerate(orders))
    )
    for order in orders:
        await known(pods[0][1], order, "cancelled")
    async with asyncio.timeout(10):
        while await real_database["payments"].count_documents({"open": True}):
            await asyncio.sleep(0.02)
    found = [intent for order in orders for intent in await intents(real_database, order)]
    assert {intent["state"] for intent in found} <= {"voided"}
    assert all(intent["captures"] == 0 and intent["voids"] == 1 for intent in found)


async def test_many_settle_at_once_and_the_money_moves_once(
    pods: list[tuple[httpx.AsyncClient, PaymentContext]], real_database: Database, real_stream: Stream
) -> None:
    order = AnOrder()
    await emit(real_stream, order.created())
    await known(pods[0][1], order, "created")
    body, headers = {"orderId": order.id, "token": "tok_visa"}, signed_in(order.buyer)
    assert (await pods[0][0].post("/api/payments", json=body, headers=headers)).status_code == 201
    await emit(real_stream, order.completed())
    await known(pods[0][1], order, "complete")
    at_once = [replace(context, timing=Timing(first_pause=timedelta(0))) for _, context in pods]
    await asyncio.gather(*(OpenPayments(at_once[n % 2]).sweep() for n in range(10)))
    async with asyncio.timeout(10):
        while await real_database["payments"].count_documents({"open": True}):
            await asyncio.sleep(0.02)
    [intent] = await intents(real_database, order)
    assert (intent["state"], intent["captures"]) == ("captured", 1)
    payment = await real_database["payments"].find_one({"order_id": order.id})
    assert payment is not None
    assert payment["version"] == 1


async def test_each_order_s_money_goes_to_one_side_once_in_two_processes(
    pods: list[tuple[httpx.AsyncClient, PaymentContext]], real_database: Database, real_stream: Stream
) -> None:
    """Both processes look at what is due, and half of the provider's first answers are lost."""
    seller, context = new_id(), pods[0][1]
    await payouts.form(context, seller)
    tokens = ("tok_visa", "tok_refundTimeout", "tok_payoutTimeout", "tok_payoutError")
    orders = [AnOrder(seller_id=seller) for _ in range(40)]
    for order in orders:
        await emit(real_stream, order.created())
    for n, order in enumerate(orders):
        await known(context, order, "created")
        body, headers = {"orderId": order.id, "token": tokens[n // 2 % 4]}, signed_in(order.buyer)
        assert (await pods[n % 2][0].post("/api/payments", json=body, headers=headers)).status_code == 201
        await emit(real_stream, order.completed())
        await emit(real_stream, order.refunded() if n % 2 else order.accepted())
    account = await context.repositories.accounts.of(seller)
    assert account is not None
    assert isinstance(context.gateway, SteeredGateway)
    await context.gateway.fill_in(account.id)
    await payouts.read_account(context, account.id)

    decided = {"outcome": {"$in": ["refunded", "paid-out"]}, "due_at": {"$exists": False}}
    async with asyncio.timeout(60):
        while await real_database["payments"].count_documents(decided) < len(orders):
            await asyncio.gather(*(sweep_dues(each) for _, each in pods for _ in range(3)))
            await asyncio.sleep(0.05)
    for kind, collection in enumerate(("fake_provider_transfers", "fake_provider_refunds")):
        made = await real_database[collection].find({})
        assert sorted(one["order_id"] for one in made) == sorted(order.id for order in orders[kind::2])
        assert {one["amount_cents"] for one in made} == {1999}
    answer = await pods[1][0].get("/api/payments/balance", headers=signed_in(CurrentUser(seller)))
    assert answer.json() == {"pending": 0, "available": 0, "paid": 399.8}
