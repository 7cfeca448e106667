"""Limits of one buyer: unpaid orders at once, and pauses before a ticket is ordered again."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from common.base import times
from common.persistence.mongo import Database
from common.testing.answers import code_of
from common.testing.browser import a_user, running
from common.testing.clock import Clock
from common.testing.events import deliver
from common.testing.fake_stream import FakeStream
from orders.limits import ENDS_LOOKED_AT, Limits
from tests.builders import HOLD, Json, Offer, Payment, Shop, an_app, timer

MINUTE = timedelta(minutes=1)
PAUSE = timedelta(minutes=15)
NOW = times.now()


@pytest.fixture
def clock(clock: Clock) -> Clock:
    clock.now = NOW
    return clock


@pytest.fixture
async def client(database: Database, stream: FakeStream) -> AsyncIterator[httpx.AsyncClient]:
    async with running(an_app(database, stream, max_open_orders=5)) as client:
        yield client


async def fill(shop: Shop) -> list[Json]:
    return [await shop.an_order() for _ in range(5)]


async def order_another(shop: Shop) -> httpx.Response:
    return await shop.post({"ticketId": (await shop.an_offer()).id})


async def test_a_sixth_unpaid_order_is_refused_until_the_first_hold_ends(shop: Shop) -> None:
    orders = await fill(shop)
    await shop.let_time_pass(orders[3], -5 * MINUTE)

    refused = await order_another(shop)

    assert code_of(refused, 429) == "open-orders-limit"
    assert 290 <= int(refused.headers["Retry-After"]) <= 300
    assert (await shop.post({"ticketId": (await shop.an_offer()).id}, a_user())).status_code == 201


async def test_a_hold_that_waits_for_its_card_counts_until_its_second_end(
    shop: Shop, stream: FakeStream
) -> None:
    for order in await fill(shop):
        await deliver(stream, Payment(order["id"]).awaiting())

    refused = await order_another(shop)

    assert code_of(refused, 429) == "open-orders-limit"
    assert HOLD.total_seconds() * 2 - 60 <= int(refused.headers["Retry-After"]) <= HOLD.total_seconds() * 2


async def test_an_order_that_is_paid_or_given_up_makes_room_for_another(
    shop: Shop, stream: FakeStream
) -> None:
    paid, cancelled, *_ = await fill(shop)
    await deliver(stream, Payment(paid["id"]).created())
    assert (await order_another(shop)).status_code == 201
    assert (await order_another(shop)).status_code == 429

    await shop.delete(cancelled)
    # The paid order goes on changing, while another one has its slot.
    await deliver(stream, Payment(paid["id"]).captured())

    assert (await order_another(shop)).status_code == 201
    assert (await order_another(shop)).status_code == 429
    assert (await shop.shown(paid))["payment"] == "captured"


async def test_orders_of_the_last_release_do_not_count_and_their_ends_pause_no_one(
    shop: Shop, database: Database
) -> None:
    offer = await shop.an_offer()
    for _ in range(2):
        await give_up(shop, offer)
    await fill(shop)
    await database["orders"].update_many({}, {"$unset": {"slot": "", "ended_at": ""}})

    assert (await shop.post({"ticketId": offer.id})).status_code == 201


async def test_an_end_by_the_last_release_frees_the_place_too(shop: Shop, database: Database) -> None:
    orders = await fill(shop)
    as_that_release = {"$set": {"status": "cancelled"}, "$unset": {"reservation": ""}}
    await database["orders"].update_one({"_id": orders[0]["id"]}, as_that_release)

    assert (await order_another(shop)).status_code == 201


async def test_at_the_limit_a_repeated_create_has_its_first_answer(shop: Shop) -> None:
    offer = await shop.an_offer()
    first = await shop.post({"ticketId": offer.id}, key="purchase-1")
    for _ in range(4):
        await shop.an_order()

    assert (await shop.post({"ticketId": offer.id}, key="purchase-1")).content == first.content


@pytest.mark.parametrize(
    ("ends", "pause"),
    [
        (0, timedelta(0)),
        (1, timedelta(0)),
        (2, PAUSE),
        (3, 2 * PAUSE),
        (8, 64 * PAUSE),
        (9, timedelta(days=1)),
        (ENDS_LOOKED_AT, timedelta(days=1)),
    ],
)
def test_the_pause_doubles_with_each_unpaid_end_up_to_a_day(ends: int, pause: timedelta) -> None:
    ended = [NOW - number * timedelta(days=2) for number in range(ends)]

    assert Limits(first_pause=PAUSE).pause(ended, NOW) == pause


def test_even_a_second_s_pause_has_doubled_to_a_day_after_the_ends_that_are_looked_at() -> None:
    assert Limits(first_pause=timedelta(seconds=1)).pause([NOW] * ENDS_LOOKED_AT, NOW) == timedelta(days=1)


async def give_up(shop: Shop, offer: Offer) -> None:
    await shop.delete(await shop.an_order(offer))


async def refusal(shop: Shop, offer: Offer) -> int:
    """The seconds of the pause."""
    refused = await shop.post({"ticketId": offer.id})
    assert code_of(refused, 429) == "reorder-paused"
    return int(refused.headers["Retry-After"])


async def test_a_ticket_that_was_given_up_is_ordered_again_once_and_then_after_growing_pauses(
    shop: Shop, clock: Clock
) -> None:
    offer = await shop.an_offer()
    await give_up(shop, offer)
    await give_up(shop, offer)
    assert await refusal(shop, offer) == 900

    clock.now += 10 * MINUTE
    assert await refusal(shop, offer) == 300

    clock.now += 5 * MINUTE
    await give_up(shop, offer)
    assert await refusal(shop, offer) == 1800


async def test_a_pause_is_that_of_one_buyer_and_one_ticket(shop: Shop) -> None:
    offer = await shop.an_offer()
    await give_up(shop, offer)
    await give_up(shop, offer)

    assert (await order_another(shop)).status_code == 201
    assert (await shop.post({"ticketId": offer.id}, a_user())).status_code == 201


async def test_buyers_who_order_at_once_have_each_the_pause_of_their_own(shop: Shop) -> None:
    offer, buyers = await shop.an_offer(), [a_user() for _ in range(4)]
    for ends, buyer in enumerate(buyers):
        for _ in range(ends):
            answer = await shop.post({"ticketId": offer.id}, buyer)
            if answer.status_code == 201:
                await shop.delete(answer.json(), buyer)

    answers = await asyncio.gather(*(shop.post({"ticketId": offer.id}, buyer) for buyer in buyers))

    assert [answer.status_code == 429 for answer in answers] == [False, False, True, True]


async def test_an_order_that_expired_was_given_up_too(shop: Shop, clock: Clock) -> None:
    offer = await shop.an_offer()
    for _ in range(2):
        order = await shop.an_order(offer)
        clock.now += HOLD
        await deliver(shop.stream, timer(order))

    assert await refusal(shop, offer) == 900


async def test_during_a_pause_a_repeated_create_has_its_first_answer(shop: Shop) -> None:
    offer = await shop.an_offer()
    await give_up(shop, offer)
    first = await shop.post({"ticketId": offer.id}, key="purchase-1")
    await shop.delete(first.json())

    again = await shop.post({"ticketId": offer.id}, key="purchase-1")

    assert again.content == first.content


async def test_who_has_to_confirm_the_address_first_orders_nothing(shop: Shop) -> None:
    offer = await shop.an_offer()
    unconfirmed = replace(a_user(), may_trade=False)

    assert code_of(await shop.post({}, unconfirmed), 403) == "email-not-confirmed"
    assert (await shop.post({"ticketId": offer.id})).status_code == 201
