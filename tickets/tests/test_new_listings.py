"""Limit of a seller's new listings in an hour, without an app."""

import pytest

from common.base import times
from common.base.errors import BadRequest, DuplicateKey, Outage
from common.persistence.mongo import Database
from common.testing.clock import Clock
from tickets.errors import TooManyNewListings
from tickets.new_listings import HOUR, NewListings


@pytest.fixture(autouse=True)
def clock(clock: Clock) -> Clock:
    clock.now = times.now()
    return clock


async def list_one(listings: NewListings, seller: str, error: Exception | None = None) -> None:
    async with listings.one(seller):
        if error is not None:
            raise error


async def test_a_seller_lists_so_many_an_hour(database: Database, clock: Clock) -> None:
    listings = NewListings(database, 2)
    for _ in range(2):
        await list_one(listings, "ada")

    with pytest.raises(TooManyNewListings) as refusal:
        await list_one(listings, "ada")
    assert refusal.value.headers["Retry-After"] == "3600"
    await list_one(listings, "bob")
    clock.now += HOUR
    await list_one(listings, "ada")
    assert {found["_id"] for found in await database["new_listings"].find({})} == {"ada", "bob"}


@pytest.mark.parametrize("error", [BadRequest(), DuplicateKey("stored before")])
async def test_a_listing_that_is_refused_does_not_count(database: Database, error: Exception) -> None:
    listings = NewListings(database, 1)
    with pytest.raises(type(error)):
        await list_one(listings, "ada", error)

    await list_one(listings, "ada")


async def test_a_listing_that_may_be_stored_counts(database: Database) -> None:
    listings = NewListings(database, 1)
    with pytest.raises(Outage):
        await list_one(listings, "ada", Outage("gone"))

    with pytest.raises(TooManyNewListings):
        await list_one(listings, "ada")


async def test_without_a_limit_any_number_is_listed(database: Database) -> None:
    listings = NewListings(database, 0)
    for _ in range(30):
        await list_one(listings, "ada")
