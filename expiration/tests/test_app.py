from collections.abc import Callable

import pytest
from fastapi import FastAPI

from common.testing.answers import message_of
from common.testing.browser import running
from common.testing.events import deliver, outcomes, publish, refused
from common.testing.fake_stream import FakeStream
from expiration.app import create_app, create_worker_app
from tests.builders import FakeTimers, order_completed, order_created, order_delivered, settings, soon


@pytest.fixture
def own_timers() -> FakeTimers:
    return FakeTimers()


@pytest.fixture
def app(own_timers: FakeTimers, stream: FakeStream) -> FastAPI:
    return create_app(settings(), own_timers=own_timers, stream=stream)


@pytest.mark.parametrize("create", [create_app, create_worker_app], ids=["service", "worker"])
async def test_it_is_ready_only_while_the_timers_and_the_stream_are_up(
    create: Callable[..., FastAPI], own_timers: FakeTimers, stream: FakeStream
) -> None:
    async with running(create(settings(), own_timers=own_timers, stream=stream)) as client:
        own_timers.up = False
        assert message_of(await client.get("/readyz"), 503) == "timers is not ready"

        own_timers.up, stream.up = True, False
        assert message_of(await client.get("/readyz"), 503) == "event stream is not ready"

        stream.up = True
        assert (await client.get("/readyz")).status_code == 200
        assert (await client.get("/healthz")).status_code == 200


async def test_an_order_sets_its_timer(app: FastAPI, own_timers: FakeTimers, stream: FakeStream) -> None:
    event = order_created(expires_at=soon(900))

    async with running(app):
        await deliver(stream, event)

    assert own_timers.due == {event.id: event.expires_at}
    assert outcomes(stream, event) == ["ack"]


async def test_a_complete_order_sets_the_timer_of_each_deadline(
    app: FastAPI, own_timers: FakeTimers, stream: FakeStream
) -> None:
    due, at_once, of_old = order_completed(soon(60)), order_completed(None, soon(70)), order_completed(None)
    delivered = order_delivered(due.id, soon(80))

    async with running(app):
        await deliver(stream, due, at_once, of_old, delivered, due)

    assert own_timers.due == {
        f"{due.id}:delivery": due.deliver_by,
        f"{at_once.id}:acceptance": at_once.accept_by,
        f"{due.id}:acceptance": delivered.accept_by,
    }
    assert outcomes(stream, of_old) == ["ack"]


async def test_an_order_told_again_is_acknowledged(
    app: FastAPI, own_timers: FakeTimers, stream: FakeStream
) -> None:
    event = order_created()

    async with running(app):
        await deliver(stream, event, event)

    assert len(own_timers.due) == 1
    assert outcomes(stream, event) == ["ack", "ack"]


async def test_an_order_is_asked_for_again_until_the_timers_are_back(
    app: FastAPI, own_timers: FakeTimers, stream: FakeStream
) -> None:
    event = order_created()

    async with running(app):
        own_timers.up = False
        await refused(stream, event)
        assert own_timers.due == {}

        own_timers.up = True
        await stream.settled()

    assert own_timers.due == {event.id: event.expires_at}
    assert outcomes(stream, event)[-1] == "ack"
    assert stream.of("dead") == []


@pytest.mark.parametrize("data", [b"", b"{", b'{"id":"x","version":0}'], ids=["empty", "cut", "no moment"])
async def test_a_broken_order_is_a_dead_letter_with_the_reason_and_blocks_nobody(
    app: FastAPI, own_timers: FakeTimers, stream: FakeStream, data: bytes
) -> None:
    event = order_created()

    async with running(app):
        await stream.publish(f"order.created.{event.id}", data, {})
        await deliver(stream, event)

    (letter,) = stream.of("dead")
    assert letter.subject == f"dead.expiration.order.created.{event.id}"
    assert letter.headers["Gittix-Reason"].startswith("does not parse: ")
    assert list(own_timers.due) == [event.id]


async def test_orders_of_before_its_start_are_taken(
    app: FastAPI, own_timers: FakeTimers, stream: FakeStream
) -> None:
    event = order_created()
    await publish(stream, event)

    async with running(app):
        await stream.settled()

    assert list(own_timers.due) == [event.id]


@pytest.mark.connected
async def test_the_worker_is_ready_with_its_timers_and_the_stream(redis_url: str, stream: FakeStream) -> None:
    async with running(create_worker_app(settings(redis_url), stream=stream)) as client:
        assert (await client.get("/readyz")).status_code == 200
