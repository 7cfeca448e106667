"""What is published, and when: each saved change once, in order, with the version that it gave."""

import pytest
from fastapi import FastAPI

from common.base.identity import CurrentUser
from common.persistence.mongo import Database
from common.testing.browser import running
from common.testing.events import deliver, emitted, left_to_the_sweep
from common.testing.fake_stream import FakeStream
from tests.builders import Payment, Shop, an_app

pytestmark = pytest.mark.usefixtures("hasty_relays")


async def test_placing_publishes_order_created(shop: Shop, stream: FakeStream) -> None:
    order = await shop.an_order()

    assert await emitted(stream, "order.created", 1) == [
        {
            "id": order["id"],
            "version": 0,
            "status": "created",
            "userId": shop.buyer.id,
            "expiresAt": order["expiresAt"],
            "ticket": {"id": order["ticket"]["id"], "price": 20},
        }
    ]


async def test_a_cancellation_publishes_order_cancelled_once(shop: Shop, stream: FakeStream) -> None:
    order = await shop.an_order()
    await shop.delete(order)
    await shop.delete(order)

    [event] = await emitted(stream, "order.cancelled", 1)
    assert event.pop("endedAt").endswith("Z")
    assert [event] == [
        {
            "id": order["id"],
            "version": 1,
            "ticket": {"id": order["ticket"]["id"]},
            "endedBecause": "cancelled",
        }
    ]


async def test_every_change_of_a_paid_order_is_published_with_its_version(
    shop: Shop, stream: FakeStream
) -> None:
    order = await shop.an_order()
    payment = Payment(order["id"])
    await deliver(stream, payment.awaiting(), payment.created(), payment.captured())
    ticket = {"id": order["ticket"]["id"]}

    awaiting, captured = await emitted(stream, "order.updated", 2)
    (completed,) = await emitted(stream, "order.completed", 1)

    assert awaiting == {"id": order["id"], "version": 1, "status": "awaiting:payment", "ticket": ticket}
    shown = await shop.shown(order)
    moments = {name: shown[name] for name in ("completedAt", "deliverBy", "acceptBy")}
    assert completed == {"id": order["id"], "version": 2, "ticket": ticket, **moments}
    assert captured == {"id": order["id"], "version": 3, "status": "complete", "ticket": ticket}
    assert [message.subject.split(".")[1] for message in stream.of("order")] == [
        "created",
        "updated",
        "completed",
        "updated",
    ]


async def test_an_event_is_a_cloud_event_on_the_order_s_own_subject(shop: Shop, stream: FakeStream) -> None:
    order = await shop.an_order()
    await emitted(stream, "order.created", 1)

    (message,) = stream.of("order.created")

    assert message.subject == f"order.created.{order['id']}"
    expected = {
        "ce-id": f"order.created:{order['id']}:0",
        "ce-type": "order.created",
        "ce-source": "/orders",
        "Nats-Msg-Id": f"order.created:{order['id']}:0",
    }
    assert {name: message.headers[name] for name in expected} == expected


async def test_an_order_is_placed_while_the_stream_is_down_and_published_when_it_is_back(
    shop: Shop, stream: FakeStream
) -> None:
    offer = await shop.an_offer()
    stream.up = False
    order = await shop.an_order(offer)
    assert (await shop.delete(order)).status_code == 204
    await left_to_the_sweep("orders")
    assert stream.of("order") == []

    stream.up = True

    await emitted(stream, "order.created", 1)
    await emitted(stream, "order.cancelled", 1)
    assert [message.subject.split(".")[1] for message in stream.of("order")] == ["created", "cancelled"]


async def test_what_a_process_could_not_publish_another_publishes(
    app: FastAPI, database: Database, stream: FakeStream, buyer: CurrentUser
) -> None:
    async with running(app) as client:
        shop = Shop(client, stream, database, buyer)
        offer = await shop.an_offer()
        stream.up = False
        order = await shop.an_order(offer)

    stream.up = True
    async with running(an_app(database, stream)):
        (created,) = await emitted(stream, "order.created", 1)

    assert created["id"] == order["id"]
