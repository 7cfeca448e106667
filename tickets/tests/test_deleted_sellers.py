"""A seller who deletes the account has nothing on sale any more, whatever was on its way."""

from datetime import timedelta

import pytest

from common.base.identity import CurrentUser
from common.contract.events import UserDeleted
from common.persistence import revisits
from common.persistence.mongo import Database
from common.testing.browser import a_user
from common.testing.events import deliver, emitted, publish
from common.testing.fake_stream import FakeStream
from tests.builders import Json, Market
from tickets import deleted_sellers
from tickets.deleted_sellers import close_listings
from tickets.publishers import publishers
from tickets.repository import Repositories
from tickets.restored import restored


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.persistence.rebuild.DOUBT_SECONDS", 0.001)
    monkeypatch.setattr(revisits, "FIRST_PAUSE", timedelta(seconds=0.02))
    monkeypatch.setattr(revisits, "ROUND_SECONDS", 0.01)


def deleted(user: CurrentUser) -> UserDeleted:
    return UserDeleted(id=user.id, version=1)


async def status(market: Market, ticket: Json) -> str:
    shown: str = (await market.shown(ticket))["status"]
    return shown


async def test_what_is_on_sale_is_withdrawn_and_what_is_sold_is_not(
    market: Market, stream: FakeStream
) -> None:
    on_sale, (sold, _) = await market.a_ticket(), await market.a_sold_ticket()
    other = a_user()
    await market.post({"title": "Another's", "price": 20}, other)

    await deliver(stream, deleted(market.seller))

    assert await status(market, on_sale) == "withdrawn"
    assert await status(market, sold) == "sold"
    assert await market.titles() == ["Another's"]
    assert await emitted(stream, "ticket.withdrawn", 1) == [{"id": on_sale["id"], "version": 1}]


async def test_an_order_keeps_its_ticket_and_its_end_puts_none_on_sale(
    market: Market, stream: FakeStream
) -> None:
    bought, first = await market.a_held_ticket()
    freed, second = await market.a_held_ticket()

    await deliver(stream, deleted(market.seller))
    assert [await status(market, each) for each in (bought, freed)] == ["held", "held"]
    # orders must not take a further order, also between the end of one and the ticket's release.
    await emitted(stream, "ticket.withdrawn", 2)

    await deliver(stream, first.completed(), second.cancelled())

    assert await status(market, bought) == "sold"
    assert await status(market, freed) == "withdrawn"
    assert await market.titles() == []


async def test_the_listings_of_many_pages_are_withdrawn_and_a_repeated_event_changes_nothing(
    market: Market, stream: FakeStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deleted_sellers, "PAGE", 2)
    for _ in range(5):
        await market.a_ticket()

    await deliver(stream, deleted(market.seller))
    await deliver(stream, deleted(market.seller))

    assert await market.titles() == []
    await emitted(stream, "ticket.withdrawn", 5)


async def test_a_listing_that_was_on_its_way_is_withdrawn_by_the_next_visit(
    market: Market, stream: FakeStream
) -> None:
    """Also one that a release stores which knows no deleted users: it is stored as any other."""
    await deliver(stream, deleted(market.seller))

    ticket = await market.a_ticket()

    await emitted(stream, "ticket.withdrawn", 1)
    assert await status(market, ticket) == "withdrawn"


async def test_a_restored_database_learns_again_who_is_deleted(
    market: Market, stream: FakeStream, database: Database
) -> None:
    ticket = await market.a_ticket()
    await publish(stream, deleted(market.seller))
    await database["deleted_users"].delete_many({})

    await restored(stream, database)

    (known,) = await database["deleted_users"].find({})
    assert known["_id"] == market.seller.id
    await close_listings(Repositories.over(database, publishers(stream)).tickets, market.seller.id)
    assert await status(market, ticket) == "withdrawn"
