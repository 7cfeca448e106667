"""An order that is sent twice, with an `Idempotency-Key`, is placed once."""

import asyncio

import pytest

from common.persistence.mongo import Database
from common.testing.answers import code_of
from common.testing.browser import a_user, running
from common.testing.events import deliver, emitted
from common.testing.fake_stream import FakeStream
from tests.builders import Offer, Payment, Shop, an_app

KEY = "purchase-1"


async def test_the_second_request_has_the_answer_of_the_first(shop: Shop, stream: FakeStream) -> None:
    offer = await shop.an_offer()

    first = await shop.post({"ticketId": offer.id, "price": 20}, key=KEY)
    second = await shop.post({"ticketId": offer.id, "price": "20.00"}, key=KEY)

    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    assert len(await emitted(stream, "order.created", 1)) == 1


async def test_the_answer_is_that_of_the_creation_whatever_became_of_the_order(
    shop: Shop, stream: FakeStream
) -> None:
    offers = [await shop.an_offer() for _ in range(2)]
    first, second = [await shop.post({"ticketId": offer.id}, key=offer.id) for offer in offers]
    await shop.delete(first.json())
    payment = Payment(second.json()["id"])
    await deliver(stream, payment.created(), payment.captured())

    for offer, answer in zip(offers, (first, second), strict=True):
        assert (await shop.post({"ticketId": offer.id}, key=offer.id)).content == answer.content


async def test_the_first_answer_stands_though_the_ticket_may_not_be_ordered_any_more(
    shop: Shop, stream: FakeStream
) -> None:
    offer = await shop.an_offer()
    first = await shop.post({"ticketId": offer.id, "price": 20}, key=KEY)
    await shop.delete(first.json())
    await deliver(stream, offer.updated(1, cents=2500))
    again = await shop.post({"ticketId": offer.id, "price": 20}, key=KEY)
    await deliver(stream, offer.withdrawn(2))
    and_again = await shop.post({"ticketId": offer.id, "price": 20}, key=KEY)

    assert again.content == and_again.content == first.content


async def test_another_body_under_the_same_key_is_refused_and_names_the_order(shop: Shop) -> None:
    first = await shop.post({"ticketId": (await shop.an_offer()).id}, key=KEY)

    refused = await shop.post({"ticketId": (await shop.an_offer()).id}, key=KEY)

    assert code_of(refused, 422) == "idempotency-key-reused"
    assert refused.links["related"]["url"] == f"/api/orders/{first.json()['id']}"


async def test_a_refusal_leaves_its_key_free(shop: Shop) -> None:
    offer = await shop.an_offer()
    winner = await shop.an_order(offer)
    loser = a_user()
    assert code_of(await shop.post({"ticketId": offer.id}, loser, KEY), 400) == "ticket-reserved"
    await shop.delete(winner)

    assert (await shop.post({"ticketId": offer.id}, loser, KEY)).status_code == 201


async def test_without_a_key_the_second_order_of_a_ticket_is_refused(shop: Shop) -> None:
    order = await shop.an_order()

    assert code_of(await shop.post({"ticketId": order["ticket"]["id"]}), 400) == "ticket-reserved"


@pytest.mark.connected
async def test_of_many_requests_at_two_processes_at_once_one_orders(
    real_database: Database, stream: FakeStream
) -> None:
    buyer, offer = a_user(), Offer()
    async with (
        running(an_app(real_database, stream)) as one,
        running(an_app(real_database, stream)) as another,
    ):
        await deliver(stream, offer.created())
        shops = [Shop(client, stream, real_database, buyer) for client in (one, another)]
        body = {"ticketId": offer.id}

        answers = await asyncio.gather(*(shop.post(body, key=KEY) for shop in shops for _ in range(20)))

        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        assert await real_database["orders"].count_documents({}) == 1
