"""A buyer who deletes the account holds no ticket any more; what is paid goes on."""

from datetime import timedelta

import pytest

from common.base.identity import CurrentUser
from common.base.ids import new_id
from common.contract.events import UserDeleted
from common.persistence import revisits
from common.persistence.mongo import Database
from common.testing.browser import a_user
from common.testing.events import deliver, emitted, publish
from common.testing.fake_stream import FakeStream
from orders import deleted_buyers
from orders.restored import restored
from tests.builders import Payment, Shop


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.persistence.rebuild.DOUBT_SECONDS", 0.001)
    monkeypatch.setattr(revisits, "FIRST_PAUSE", timedelta(seconds=0.02))
    monkeypatch.setattr(revisits, "ROUND_SECONDS", 0.01)


def deleted(user: CurrentUser) -> UserDeleted:
    return UserDeleted(id=user.id, version=1)


async def test_unpaid_orders_are_cancelled_and_paid_ones_stay(shop: Shop, stream: FakeStream) -> None:
    unpaid, awaiting, paid = await shop.an_order(), await shop.an_order(), await shop.a_complete_order()
    await deliver(stream, Payment(awaiting["id"]).awaiting())
    other = a_user()
    others = (await shop.post({"ticketId": (await shop.an_offer()).id}, other)).json()

    await deliver(stream, deleted(shop.buyer))

    for order in (unpaid, awaiting):
        shown = await shop.shown(order)
        assert (shown["status"], shown["endedBecause"]) == ("cancelled", "cancelled")
    assert (await shop.shown(paid))["status"] == "complete"
    assert (await shop.get(others, other)).json()["status"] == "created"


async def test_the_orders_of_many_pages_are_cancelled_and_a_repeated_event_changes_nothing(
    shop: Shop, stream: FakeStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deleted_buyers, "PAGE", 2)
    for _ in range(5):
        await shop.an_order()

    await deliver(stream, deleted(shop.buyer))
    await deliver(stream, deleted(shop.buyer))

    await emitted(stream, "order.cancelled", 5)


async def test_an_order_that_was_on_its_way_is_cancelled_by_the_next_visit(
    shop: Shop, stream: FakeStream
) -> None:
    await deliver(stream, deleted(shop.buyer))

    order = await shop.an_order()

    await emitted(stream, "order.cancelled", 1)
    assert (await shop.shown(order))["status"] == "cancelled"


@pytest.mark.usefixtures("client")
async def test_a_restored_database_learns_again_who_is_deleted(
    stream: FakeStream, database: Database
) -> None:
    gone = new_id()
    await publish(stream, UserDeleted(id=gone, version=1))
    await database["deleted_users"].delete_many({})

    await restored(stream, database)

    assert [each["_id"] for each in await database["deleted_users"].find({})] == [gone]
