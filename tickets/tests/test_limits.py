"""Limits of one seller: listings on sale at once, and new ones in an hour."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from common.base.identity import CurrentUser
from common.persistence.mongo import Database
from common.testing.answers import code_of
from common.testing.browser import a_user, running
from common.testing.clock import Clock
from common.testing.events import deliver
from common.testing.fake_stream import FakeStream
from tests.builders import Json, Market, Sale, an_app
from tickets import sweep
from tickets.publishers import publishers
from tickets.repository import TicketRepository

OFFER = {"title": "Concert", "price": 20}
DAY = "2087-05-31"
THAT_DAY = datetime(2087, 5, 31, tzinfo=UTC)
OVER = datetime(2087, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def clock(clock: Clock) -> Clock:
    clock.now = THAT_DAY
    return clock


@asynccontextmanager
async def a_market(
    database: Database,
    stream: FakeStream,
    seller: CurrentUser,
    max_listings: int = 10_000,
    listings_per_hour: int = 0,
) -> AsyncIterator[Market]:
    async with running(an_app(database, stream, max_listings, listings_per_hour)) as client:
        yield Market(client, stream, seller)


@pytest.fixture
async def market(database: Database, stream: FakeStream, seller: CurrentUser) -> AsyncIterator[Market]:
    """In which a seller may have three listings."""
    async with a_market(database, stream, seller, max_listings=3) as market:
        yield market


@pytest.fixture
async def hasty_market(database: Database, stream: FakeStream, seller: CurrentUser) -> AsyncIterator[Market]:
    """In which a seller may list three tickets an hour."""
    async with a_market(database, stream, seller, listings_per_hour=3) as market:
        yield market


async def fill(market: Market) -> list[Json]:
    return [await market.a_ticket() for _ in range(3)]


async def is_full(market: Market) -> bool:
    """Whether another listing is refused; else it is stored."""
    answer = await market.post(OFFER)
    if answer.status_code == 201:
        return False
    assert code_of(answer, 400) == "listings-limit"
    assert "Retry-After" not in answer.headers
    return True


async def test_a_listing_too_many_is_refused_and_that_of_another_seller_is_not(market: Market) -> None:
    await fill(market)

    assert await is_full(market)
    assert (await market.post(OFFER, a_user())).status_code == 201


async def test_a_listing_that_is_withdrawn_or_sold_makes_room(market: Market) -> None:
    withdrawn, sold, _ = await fill(market)

    await market.delete(withdrawn)
    assert not await is_full(market)
    assert await is_full(market)

    order = Sale.of(sold)
    await deliver(market.stream, order.created(), order.completed())
    assert not await is_full(market)
    assert await is_full(market)


async def test_a_held_listing_keeps_its_place_for_the_time_after_its_order(market: Market) -> None:
    held, *_ = await fill(market)
    order = Sale.of(held)
    await deliver(market.stream, order.created())
    assert await is_full(market)

    await deliver(market.stream, order.cancelled())
    assert await is_full(market)
    assert len(await market.titles()) == 3


async def test_a_listing_that_is_put_back_on_sale_needs_a_place_again(market: Market) -> None:
    first, second, _ = await fill(market)
    await market.delete(first)
    await market.a_ticket()

    refused = await market.relist(first)
    await market.delete(second)
    relisted = await market.relist(first)

    assert code_of(refused, 400) == "listings-limit"
    assert relisted.status_code == 200
    assert await is_full(market)
    assert (await market.relist(first)).status_code == 200


@pytest.mark.parametrize("swept", [False, True])
async def test_a_listing_whose_day_is_over_makes_room_before_and_after_the_sweep(
    market: Market, clock: Clock, database: Database, swept: bool
) -> None:
    await market.post(OFFER | {"eventDate": DAY})
    await market.a_ticket()
    await market.a_ticket()

    clock.now = OVER
    if swept:
        assert await sweep.sweep(TicketRepository(database, publishers(market.stream))) == 1

    assert not await is_full(market)
    assert await is_full(market)


async def test_a_new_day_for_a_listing_that_was_over_needs_a_place(market: Market, clock: Clock) -> None:
    ticket = (await market.post(OFFER | {"eventDate": DAY})).json()
    clock.now = OVER
    others = await fill(market)
    later = OFFER | {"eventDate": "2087-07-01"}

    refused = await market.put(ticket, later)
    await market.delete(others[0])
    edited = await market.put(ticket, later)

    assert code_of(refused, 400) == "listings-limit"
    assert edited.status_code == 200
    assert await is_full(market)
    assert (await market.put(ticket, later | {"price": 30})).status_code == 200


async def test_listings_of_the_last_release_do_not_count_and_go_on_as_before(
    market: Market, database: Database
) -> None:
    tickets = await fill(market)
    await database["tickets"].update_many({}, {"$unset": {"slot": ""}})

    await fill(market)

    assert await is_full(market)
    assert (await market.put(tickets[0], OFFER | {"price": 30})).status_code == 200
    assert (await market.delete(tickets[0])).status_code == 204


async def test_at_the_limit_a_repeated_create_has_its_first_answer(market: Market) -> None:
    first = await market.post(OFFER, idempotency_key="sell-1")
    await market.a_ticket()
    await market.a_ticket()

    assert (await market.post(OFFER, idempotency_key="sell-1")).content == first.content


async def test_the_fourth_new_listing_of_an_hour_waits(hasty_market: Market, clock: Clock) -> None:
    for _ in range(3):
        await hasty_market.a_ticket()
        clock.now += timedelta(minutes=10)

    refused = await hasty_market.post(OFFER)

    assert code_of(refused, 429) == "listings-per-hour-limit"
    assert int(refused.headers["Retry-After"]) == 30 * 60
    assert (await hasty_market.post(OFFER, a_user())).status_code == 201

    clock.now += timedelta(minutes=30)
    assert (await hasty_market.post(OFFER)).status_code == 201


async def test_a_listing_that_is_sent_twice_counts_once_and_one_put_back_not_again(
    hasty_market: Market,
) -> None:
    for _ in range(5):
        assert (await hasty_market.post(OFFER, idempotency_key="sell-1")).status_code == 201
    ticket = await hasty_market.a_ticket()
    for _ in range(3):
        await hasty_market.delete(ticket)
        assert (await hasty_market.relist(ticket)).status_code == 200
    await hasty_market.a_ticket()

    assert (await hasty_market.post(OFFER)).status_code == 429
    assert (await hasty_market.post(OFFER, idempotency_key="sell-1")).status_code == 201


async def test_a_refused_listing_does_not_count_for_the_hour(
    database: Database, stream: FakeStream, seller: CurrentUser
) -> None:
    async with a_market(database, stream, seller, max_listings=1, listings_per_hour=2) as market:
        ticket = await market.a_ticket()
        assert await is_full(market)
        await market.delete(ticket)

        assert not await is_full(market)


async def test_who_has_to_confirm_the_address_first_lists_and_relists_nothing(
    database: Database, stream: FakeStream
) -> None:
    seller = a_user()
    unconfirmed = replace(seller, may_trade=False)
    async with a_market(database, stream, seller) as market:
        ticket = await market.a_ticket()

        assert code_of(await market.post({}, unconfirmed), 403) == "email-not-confirmed"
        assert (await market.delete(ticket, unconfirmed)).status_code == 204
        assert code_of(await market.relist(ticket, unconfirmed), 403) == "email-not-confirmed"
