"""Events of sales and the mails about them: one of each, to whom it concerns, and none about old sales."""

import asyncio
from datetime import date, timedelta

import httpx
import pytest
from tests.events import HOLD, SaleEvents, made

from auth.domain import Email, User
from auth.mail.mails import Mails
from auth.mail.unsubscribing import Unsubscribing
from auth.notices import MAILED_WITHIN, NoticeContext, NoticeStart, Reminders
from auth.rebuild import rebuild
from auth.repository import UserRepository
from auth.sales import Sales
from auth.settings import Settings
from common.base import times
from common.persistence.mongo import Database, Document
from common.testing.events import deliver, refused
from common.testing.fake_stream import FakeStream

SELLER, BUYER = "seller@shop.test", "buyer@shop.test"
pytestmark = pytest.mark.usefixtures("client")


@pytest.fixture
async def sale(database: Database) -> SaleEvents:
    """Of a seller who reads English and a buyer who reads Chinese."""
    async with asyncio.timeout(10):
        while await database["notices"].find_one({}) is None:
            await asyncio.sleep(0.01)
    users = UserRepository(database)
    seller = User.register(Email.parse(SELLER), "hash")
    buyer = User.register(Email.parse(BUYER), "hash", "zh")
    for user in (seller, buyer):
        await users.add(user)
    return SaleEvents(seller_id=seller.id, buyer_id=buyer.id)


async def mails(database: Database) -> list[Document]:
    return await database["mails"].find({}, sort=[("_id", 1)])


async def test_a_sale_is_mailed_to_buyer_and_seller_each_in_their_language(
    stream: FakeStream, database: Database, sale: SaleEvents
) -> None:
    await deliver(stream, sale.listed(), sale.ordered(), sale.completed(1))

    bought, sold = await mails(database)
    assert (bought["kind"], bought["to"], bought["language"]) == ("bought", BUYER, "zh")
    about = {"title": "Opera", "day": "2026-12-24", "cents": 2050}
    assert bought["data"] == {"path": f"/orders/{sale.order_id}", **about}
    assert (sold["kind"], sold["to"], sold["language"]) == ("sold", SELLER, "en")
    assert sold["data"] == {"path": f"/sales/{sale.order_id}", **about}


async def test_each_step_of_a_sale_is_mailed_to_whom_it_concerns(
    stream: FakeStream, database: Database, sale: SaleEvents
) -> None:
    now = times.now()
    await deliver(stream, sale.listed(), sale.ordered(), sale.completed(1))
    sold = {mail["_id"] for mail in await mails(database)}

    handed_over = sale.delivered(2, now)
    await deliver(stream, handed_over, sale.disputed(3, now), sale.refunded(4, now), sale.refunded(4, now))

    found = {mail["kind"]: mail for mail in await mails(database) if mail["_id"] not in sold}
    assert {kind: (mail["to"], mail["data"]["path"]) for kind, mail in found.items()} == {
        "delivered": (BUYER, f"/orders/{sale.order_id}"),
        "disputed": (SELLER, f"/sales/{sale.order_id}"),
        "refunded": (BUYER, f"/orders/{sale.order_id}"),
        "sale-refunded": (SELLER, f"/sales/{sale.order_id}"),
    }
    assert found["delivered"]["data"]["until"] == handed_over.accept_by


async def test_a_seller_who_is_paid_gets_one_mail_with_the_amount(
    stream: FakeStream, database: Database, sale: SaleEvents
) -> None:
    now = times.now()
    await deliver(stream, sale.listed(), sale.ordered(), sale.completed(1), sale.accepted(2, now))
    sold = {mail["_id"] for mail in await mails(database)}

    await deliver(stream, sale.paid_out(1948, now), sale.paid_out(1948, now))

    (paid,) = [mail for mail in await mails(database) if mail["_id"] not in sold]
    assert (paid["kind"], paid["to"]) == ("paid-out", SELLER)
    assert (paid["data"]["cents"], paid["data"]["paid_cents"]) == (2050, 1948)


async def test_a_fulfilment_that_begins_long_after_the_sale_is_not_mailed(
    stream: FakeStream, database: Database, sale: SaleEvents
) -> None:
    await deliver(stream, sale.listed(), sale.ordered(), sale.completed_by_an_older_release(1))

    await deliver(stream, sale.delivered(2), sale.paid_out(1948))

    assert await mails(database) == []


async def test_an_event_that_is_delivered_again_is_mailed_once(
    stream: FakeStream, database: Database, sale: SaleEvents
) -> None:
    await deliver(stream, sale.listed(), sale.ordered(), sale.completed(1))
    await deliver(stream, sale.listed(), sale.ordered(), sale.completed(1), sale.completed(1))

    assert len(await mails(database)) == 2


async def test_a_crash_between_the_replica_and_the_mails_costs_no_mail(
    stream: FakeStream, database: Database, sale: SaleEvents
) -> None:
    await deliver(stream, sale.listed(), sale.ordered(), sale.completed(1))
    # As the process left it that ended after the first of its three writes.
    await database["mails"].delete_many({})

    await deliver(stream, sale.completed(1))

    assert len(await mails(database)) == 2


async def test_a_mail_waits_for_the_ticket_that_it_names(
    stream: FakeStream, database: Database, sale: SaleEvents
) -> None:
    await deliver(stream, sale.ordered())
    await refused(stream, sale.completed(1))
    assert await mails(database) == []

    await deliver(stream, sale.listed())

    assert len(await mails(database)) == 2


async def test_a_mail_names_the_listing_as_its_seller_last_changed_it(
    stream: FakeStream, database: Database, sale: SaleEvents
) -> None:
    edited = sale.edited(1, "Ballet", date(2027, 1, 2))
    await deliver(stream, sale.listed(), edited, sale.withdrawn(2), sale.ordered(), sale.completed(1))

    bought, _ = await mails(database)
    assert (bought["data"]["title"], bought["data"]["day"]) == ("Ballet", "2027-01-02")


async def test_sales_from_before_the_consumer_began_are_kept_and_not_mailed(
    stream: FakeStream, database: Database, sale: SaleEvents
) -> None:
    before, without_time = sale.completed(1, times.now() - timedelta(hours=1)), SaleEvents()
    await deliver(stream, sale.listed(), sale.ordered(), before)
    await deliver(
        stream, without_time.listed(), without_time.ordered(), without_time.completed_by_an_older_release(1)
    )

    assert await mails(database) == []
    assert await database["orders"].count_documents({"status": "complete"}) == 2


async def test_only_events_of_the_last_days_are_mailed(database: Database) -> None:
    """Further back the outbox no longer knows what was sent."""
    start = NoticeStart(database)
    await database["notices"].update_one(
        {"_id": "start"}, {"$set": {"at": times.now() - timedelta(days=90)}}, upsert=True
    )
    await start.prepare()

    assert start.is_mailed(times.now() - MAILED_WITHIN + timedelta(minutes=1))
    assert not start.is_mailed(times.now() - MAILED_WITHIN)


async def test_a_rebuild_restores_the_replica_and_mails_nothing(
    stream: FakeStream, database: Database, sale: SaleEvents
) -> None:
    await deliver(stream, sale.listed(), sale.ordered(), sale.awaiting(1), sale.completed(2))
    before = await database["orders"].find({})
    for name in ("orders", "mails"):
        await database[name].delete_many({})

    report = await rebuild(stream, database)

    assert await database["orders"].find({}) == before
    assert report.mended["missing"] == 1
    assert await mails(database) == []


@pytest.mark.parametrize(("age", "mailed"), [(timedelta(seconds=-1), True), (timedelta(hours=1), False)])
async def test_a_voided_payment_is_mailed_to_the_buyer_unless_it_is_an_old_one(
    stream: FakeStream, database: Database, sale: SaleEvents, age: timedelta, mailed: bool
) -> None:
    sale.payment_id = made(sale.payment_id, times.now() - age)
    await deliver(stream, sale.listed(), sale.ordered(), sale.cancelled(1))
    assert await mails(database) == []

    await deliver(stream, sale.voided(), sale.voided())

    found = await mails(database)
    assert [(mail["kind"], mail["to"]) for mail in found] == [("payment-voided", BUYER)] * mailed


async def _context(database: Database, stream: FakeStream) -> NoticeContext:
    start = NoticeStart(database)
    await start.prepare()
    return NoticeContext(UserRepository(database), Mails(database), Sales(database, stream), start)


@pytest.mark.parametrize(
    ("left", "status", "reminded"),
    [
        (timedelta(minutes=4), "created", True),
        (timedelta(minutes=6), "created", False),
        (timedelta(seconds=30), "created", False),
        (timedelta(minutes=4), "awaiting:payment", False),
        (timedelta(minutes=4), "complete", False),
    ],
)
async def test_a_buyer_is_reminded_some_minutes_before_the_hold_of_an_unpaid_order_ends(
    stream: FakeStream, database: Database, sale: SaleEvents, left: timedelta, status: str, reminded: bool
) -> None:
    # Ordered a quarter of an hour before its end.
    sale.order_id = made(sale.order_id, times.now() + left - HOLD)
    await deliver(stream, sale.listed(), sale.ordered(left))
    await database["orders"].update_one({"_id": sale.order_id}, {"$set": {"status": status}})
    reminders = Reminders(await _context(database, stream))

    for _ in range(2):
        await reminders.round()

    found = await mails(database)
    assert [(mail["kind"], mail["to"]) for mail in found] == [("hold-ending", BUYER)] * reminded
    for mail in found:
        assert mail["expires_at"] == mail["data"]["until"]


async def test_a_short_hold_has_no_reminder(stream: FakeStream, database: Database, sale: SaleEvents) -> None:
    await deliver(stream, sale.listed(), sale.ordered(timedelta(minutes=4)))

    await Reminders(await _context(database, stream)).round()

    assert await mails(database) == []


async def test_an_order_whose_ticket_is_unknown_holds_up_no_other_reminder(
    stream: FakeStream, database: Database, sale: SaleEvents
) -> None:
    other = SaleEvents(seller_id=sale.seller_id, buyer_id=sale.buyer_id)
    for each, left in ((other, timedelta(minutes=2)), (sale, timedelta(minutes=4))):
        each.order_id = made(each.order_id, times.now() + left - HOLD)
        await deliver(stream, each.ordered(left))
    await deliver(stream, sale.listed())
    reminders = Reminders(await _context(database, stream))

    await reminders.round()
    assert len(await mails(database)) == 1

    await deliver(stream, other.listed())
    await reminders.round()
    assert len(await mails(database)) == 2


async def test_a_user_without_notices_still_gets_receipts(
    stream: FakeStream, database: Database, sale: SaleEvents
) -> None:
    users = UserRepository(database)
    for user_id in (sale.seller_id, sale.buyer_id):
        assert await users.choose_mails(user_id, "zh", notices=False)

    await deliver(stream, sale.listed(), sale.ordered(), sale.completed(1))

    (bought,) = await mails(database)
    assert (bought["kind"], bought["language"]) == ("bought", "zh")


async def test_a_sale_of_a_user_who_is_no_more_is_no_mail(stream: FakeStream, database: Database) -> None:
    unknown = SaleEvents()

    await deliver(stream, unknown.listed(), unknown.ordered(), unknown.completed(1))

    assert await mails(database) == []
    assert await database["orders"].count_documents({"status": "complete"}) == 1


# The choices of a user


async def test_a_user_chooses_the_mails_and_a_sign_in_leaves_the_language(
    client: httpx.AsyncClient,
) -> None:
    ada = {"email": "ada@shop.test", "password": "a long password"}
    await client.post("/api/users/signup", json=ada)

    answer = await client.put("/api/users/mails", json={"language": "zh", "notices": False})

    assert answer.status_code == 204
    await client.post("/api/users/signin", json=ada, headers={"Accept-Language": "en"})
    user = (await client.get("/api/users/currentuser")).json()["currentUser"]
    assert (user["language"], user["notices"]) == ("zh", False)


@pytest.mark.parametrize(
    "body", [{}, {"language": "xx", "notices": True}, {"language": "en", "notices": "no"}, {"language": "en"}]
)
async def test_a_choice_that_is_none_is_refused(client: httpx.AsyncClient, body: dict[str, object]) -> None:
    await client.post("/api/users/signup", json={"email": "ada@shop.test", "password": "a long password"})

    assert (await client.put("/api/users/mails", json=body)).status_code == 400


async def test_only_a_user_chooses_mails(client: httpx.AsyncClient) -> None:
    body = {"language": "en", "notices": True}
    assert (await client.put("/api/users/mails", json=body)).status_code == 401


async def test_a_link_turns_notices_off_without_a_session_and_as_often_as_it_is_used(
    client: httpx.AsyncClient, database: Database, settings: Settings, sale: SaleEvents
) -> None:
    token = Unsubscribing.derived_from(settings.device_key).token(sale.seller_id)

    for _ in range(2):
        answer = await client.post("/api/users/mails/unsubscribe", json={"token": token})
        assert (answer.status_code, answer.json()) == (200, {})

    user = await UserRepository(database).of_id(sale.seller_id)
    assert user is not None
    assert not user.notices


async def test_a_token_that_is_not_ours_turns_nothing_off(
    client: httpx.AsyncClient, database: Database, sale: SaleEvents
) -> None:
    forged = Unsubscribing.derived_from("another key").token(sale.seller_id)

    answer = await client.post("/api/users/mails/unsubscribe", json={"token": forged})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "link-invalid"
    user = await UserRepository(database).of_id(sale.seller_id)
    assert user is not None
    assert user.notices
