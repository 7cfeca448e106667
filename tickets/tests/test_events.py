"""What is published, and when: each saved change once, in order, with the version that it gave."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from common.base.identity import CurrentUser
from common.persistence.mongo import Database
from common.testing.browser import running
from common.testing.events import deliver, emitted, left_to_the_sweep
from common.testing.fake_stream import FakeStream
from tests.builders import Market, an_app

pytestmark = pytest.mark.usefixtures("hasty_relays")


async def test_an_offer_publishes_ticket_created(market: Market, stream: FakeStream) -> None:
    ticket = await market.a_ticket("Concert", "19.99")

    assert await emitted(stream, "ticket.created", 1) == [
        {
            "id": ticket["id"],
            "version": 0,
            "title": "Concert",
            "price": 19.99,
            "userId": market.seller.id,
            "eventDate": None,
            "venue": None,
            "seat": None,
            **dict.fromkeys(("city", "startTime", "faceValue", "notes", "delivery")),
        }
    ]


async def test_an_edit_publishes_ticket_updated(market: Market, stream: FakeStream) -> None:
    ticket = await market.a_ticket()
    await market.put(ticket, {"title": "Opera", "price": 15})

    assert await emitted(stream, "ticket.updated", 1) == [
        {
            "id": ticket["id"],
            "version": 1,
            "title": "Opera",
            "price": 15,
            "userId": market.seller.id,
            "eventDate": None,
            "venue": None,
            "seat": None,
            **dict.fromkeys(("city", "startTime", "faceValue", "notes", "delivery")),
            "orderId": None,
            "withdrawn": False,
        }
    ]


async def test_a_withdrawal_publishes_ticket_withdrawn(market: Market, stream: FakeStream) -> None:
    ticket = await market.a_ticket()
    await market.delete(ticket)

    assert await emitted(stream, "ticket.withdrawn", 1) == [{"id": ticket["id"], "version": 1}]


async def test_a_hold_and_a_release_publish_ticket_updated_with_the_order(
    market: Market, stream: FakeStream
) -> None:
    _, order = await market.a_held_ticket()
    await deliver(stream, order.cancelled())

    published = await emitted(stream, "ticket.updated", 2)

    assert [(event["version"], event["orderId"]) for event in published] == [(1, order.id), (2, None)]


async def test_a_sale_publishes_ticket_updated_with_the_order(market: Market, stream: FakeStream) -> None:
    _, order = await market.a_sold_ticket()

    published = await emitted(stream, "ticket.updated", 2)

    assert [(event["version"], event["orderId"]) for event in published] == [(1, order.id), (2, order.id)]


async def test_an_event_is_a_cloud_event_on_the_ticket_s_own_subject(
    market: Market, stream: FakeStream
) -> None:
    ticket = await market.a_ticket()
    await emitted(stream, "ticket.created", 1)

    (message,) = stream.messages

    assert message.subject == f"ticket.created.{ticket['id']}"
    expected = {
        "ce-specversion": "1.0",
        "ce-id": f"ticket.created:{ticket['id']}:0",
        "ce-type": "ticket.created",
        "ce-source": "/tickets",
        "ce-subject": ticket["id"],
        "content-type": "application/json",
        "Nats-Msg-Id": f"ticket.created:{ticket['id']}:0",
    }
    assert {name: message.headers[name] for name in expected} == expected
    assert message.headers["ce-time"].endswith("Z")


async def test_an_event_belongs_to_the_request_that_caused_it(
    client: httpx.AsyncClient, market: Market, stream: FakeStream
) -> None:
    client.headers["X-Request-Id"] = "request-of-this-test"
    await market.a_ticket()
    await emitted(stream, "ticket.created", 1)

    assert stream.messages[0].headers["X-Request-Id"] == "request-of-this-test"


async def test_an_effect_on_the_ticket_belongs_to_the_trace_of_its_cause(
    market: Market, stream: FakeStream
) -> None:
    await market.a_held_ticket()
    await emitted(stream, "ticket.updated", 1)

    (cause,), (effect,) = stream.of("order.created"), stream.of("ticket.updated")

    assert effect.headers["traceparent"].split("-")[1] == cause.headers["traceparent"].split("-")[1]


async def test_a_write_succeeds_while_the_stream_is_down_and_is_published_when_it_is_back(
    market: Market, stream: FakeStream
) -> None:
    stream.up = False
    ticket = await market.a_ticket()
    edited = await market.put(ticket, {"title": "Opera", "price": 15})

    assert edited.status_code == 200
    await left_to_the_sweep("tickets")
    assert stream.messages == []

    stream.up = True

    (created,) = await emitted(stream, "ticket.created", 1)
    (updated,) = await emitted(stream, "ticket.updated", 1)
    assert (created["version"], updated["version"], updated["title"]) == (0, 1, "Opera")
    assert [message.subject.split(".")[1] for message in stream.messages] == ["created", "updated"]


async def test_what_a_process_could_not_publish_another_publishes(
    app: FastAPI, database: Database, stream: FakeStream, seller: CurrentUser
) -> None:
    async with running(app) as client:
        stream.up = False
        await Market(client, stream, seller).a_ticket("Concert")
    assert stream.messages == []

    stream.up = True
    async with running(an_app(database, stream)):
        (created,) = await emitted(stream, "ticket.created", 1)

    assert created["title"] == "Concert"


async def test_a_published_event_leaves_the_outbox(
    market: Market, database: Database, stream: FakeStream
) -> None:
    await market.a_sold_ticket()
    await emitted(stream, "ticket.updated", 2)

    async with asyncio.timeout(5):
        while (await database["tickets"].find_one({}))["outbox"]:  # type: ignore[index]  # it is there
            await asyncio.sleep(0.002)


async def test_a_refused_change_publishes_nothing(market: Market, stream: FakeStream) -> None:
    ticket, _ = await market.a_held_ticket()
    await emitted(stream, "ticket.updated", 1)

    await market.put(ticket, {"title": "Opera", "price": 15})
    await market.delete(ticket)

    assert len(await emitted(stream, "ticket.updated", 1)) == 1
    assert stream.of("ticket.withdrawn") == []
