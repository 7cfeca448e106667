"""An intruder with all that the pages' process has, its whole environment, on a whole system.

The pages are the process that talks with every browser. docs/security.md says what is left to an intruder.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import jwt
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import TimeoutError as NoAnswer
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError
from tests.system.intruder import Intruder, Sale, tokens
from tests.system.own import configuration, environment_of, running, users_of

from client.live.pages import SUBJECTS
from common.base.errors import DatabaseError
from common.base.ids import new_id
from common.contract.events import (
    ExpirationComplete,
    OrderCancelled,
    PaymentCreated,
    TicketUpdated,
    TicketWithdrawn,
)
from common.contract.stream import MARKETPLACE
from common.messaging.events import SOURCE, Event, source_of
from common.persistence.mongo import connect
from common.persistence.users import as_member, with_credentials
from infra.actors.person import Person
from infra.dev.config import with_database
from infra.dev.ports import DATABASES
from orders import receipt_codes

pytestmark = pytest.mark.connected

UNAUTHORIZED, AUTHENTICATION_FAILED = 13, 18
"""MongoDB's error codes."""


@pytest.fixture
async def sale(tmp_path: Path) -> AsyncIterator[Sale]:
    # Nothing ends by itself: what changes, an intruder has changed.
    async with (
        running(configuration(tmp_path, ORDER_HOLD_SECONDS="3600")) as system,
        users_of(system) as api,
    ):
        seller, buyer = await Person.sign_up(api), await Person.sign_up(api)
        ticket, listed = await seller.sell(40), await seller.sell(40)
        order = await buyer.buy(ticket)
        intruder = Intruder(environment_of(system, "client"), api)
        yield Sale(system, intruder, seller, buyer, ticket, order, listed)


def forged(sale: Sale) -> Iterator[Event]:
    """What would end the order, pay it, or change what is on sale."""
    listing = {"title": "Forged", "price": 1, "user_id": sale.seller.id}
    yield TicketUpdated.model_validate({"id": sale.listed, "version": 1, **listing})
    yield TicketWithdrawn.model_validate({"id": sale.listed, "version": 1, **listing})
    yield OrderCancelled.model_validate(
        {"id": sale.order, "version": 1, "ticket": {"id": sale.ticket}, "user_id": sale.buyer.id}
    )
    yield ExpirationComplete(order_id=sale.order)
    yield PaymentCreated(id=new_id(), order_id=sale.order, stripe_id="pi_forged")


def subject_of(event: Event) -> str:
    return f"{event.subject}.{event.aggregate_id}"


async def publish(client: Client, event: Event) -> None:
    """As its owner does, but for the answer."""
    assert event.owner is not None
    headers = {SOURCE: source_of(event.owner), "Nats-Msg-Id": new_id()}
    await client.publish(subject_of(event), event.to_json(), headers=headers)
    await client.flush()


async def test_no_event_can_be_forged_so_no_payment_and_no_price(sale: Sale) -> None:
    async with sale.broker(sale.as_administrator()) as admin, sale.broker(sale.as_pages()) as pages:
        events = list(forged(sale))
        for event in events:
            await publish(pages, event)
        await sale.is_refused(len(events))
        stored = (await admin.jetstream().stream_info(MARKETPLACE.name, subjects_filter=">")).state.subjects
        assert stored
        assert not {subject_of(event) for event in events} & set(stored)

        # The same payment from a user that may publish it is believed: the broker's users are the wall.
        await publish(admin, events[-1])
        await sale.buyer.see(f"/api/orders/{sale.order}", lambda order: order["status"] == "complete")
    _, listed = await sale.seller.call("GET", f"/api/tickets/{sale.listed}")
    assert (listed["price"], listed["title"]) != (1, "Forged")


async def test_no_session_and_no_receipt_can_be_forged(sale: Sale) -> None:
    api, (cookie, _) = sale.intruder.api, sale.buyer.session
    status, _ = await sale.buyer.pay(sale.order)
    assert status == 201
    await sale.buyer.see(f"/api/orders/{sale.order}", lambda order: order["status"] == "complete")

    for token in tokens(sale.intruder, sale.buyer.id):
        headers = {"Cookie": f"{cookie}={token}", **sale.intruder.address}
        for path in ("/api/orders", "/api/tickets?seller=me"):
            assert (await api.send("GET", path, headers)).status == 401
        body = {"orderId": sale.order, "token": "tok_visa"}
        assert (await api.send("POST", "/api/payments", headers, body)).status == 401
    assert (await sale.buyer.call("GET", "/api/orders"))[0] == 200

    for key in sale.intruder.secrets:
        codes = (
            receipt_codes.sign(key, sale.order, sale.ticket),
            jwt.encode({"aud": "receipt", "sub": sale.order, "ticket": sale.ticket}, key, algorithm="HS256"),
        )
        for code in codes:
            assert (await api.send("GET", f"/api/orders/receipts/{code}", {})).status == 404
    _, receipt = await sale.buyer.call("GET", f"/api/orders/{sale.order}/receipt")
    assert (await api.send("GET", f"/api/orders/receipts/{receipt['code']}", {})).status == 200


ON_THE_STREAM = (
    *(f"STREAM.{call}.{MARKETPLACE.name}" for call in ("DELETE", "PURGE", "UPDATE", "INFO", "SNAPSHOT")),
    *(f"STREAM.{call}.{MARKETPLACE.name}" for call in ("MSG.GET", "MSG.DELETE")),
    *(f"CONSUMER.{call}.{MARKETPLACE.name}.orders" for call in ("DELETE", "INFO", "MSG.NEXT", "CREATE")),
    *("STREAM.NAMES", f"DIRECT.GET.{MARKETPLACE.name}", f"CONSUMER.NAMES.{MARKETPLACE.name}"),
)


async def test_no_store_can_be_read_or_deleted(sale: Sale) -> None:
    async with sale.broker(sale.as_administrator()) as admin, sale.broker(sale.as_pages()) as pages:
        for call in ON_THE_STREAM:
            with pytest.raises(NoAnswer):
                await pages.request(f"$JS.API.{call}", b"{}", timeout=0.2)
        for subject in (">", "payment.>", "_INBOX_orders.>", "$JS.>", "$SYS.>", "dead.>"):
            await pages.subscribe(subject)
        await pages.flush()
        await sale.is_refused(len(ON_THE_STREAM) + 6)
        info = await admin.jetstream().stream_info(MARKETPLACE.name)
        assert info.state.messages >= 3

    assert not {name for name in sale.intruder.env if name.startswith(("MONGO", "REDIS", "STRIPE"))}
    for database in DATABASES:
        assert await refusals_of_mongodb(sale, database) <= {UNAUTHORIZED, AUTHENTICATION_FAILED}
    await refused_by_redis(sale)
    assert (await sale.buyer.call("GET", f"/api/orders/{sale.order}"))[0] == 200


async def refusals_of_mongodb(sale: Sale, database: str) -> set[int | None]:
    """Codes of the refusals without a user, as the service's user, and as a server's administrator."""
    bare = with_database(f"mongodb://127.0.0.1:{sale.system.config.ports['mongo']}/", database)
    addresses = [bare]
    for secret in sale.intruder.secrets:
        addresses += [with_credentials(bare, database, secret), as_member(bare, secret)]
    codes = set[int | None]()
    for address in addresses:
        books = connect(address, database)
        with pytest.raises(DatabaseError) as refused:
            await books[database].delete_many({})
        codes.add(refused.value.code)
        await books.close()
    return codes


async def refused_by_redis(sale: Sale) -> None:
    port = sale.system.config.ports["redis"]
    anybody = Redis(port=port)
    with pytest.raises(NoPermissionError):
        await anybody.flushall()
    await anybody.aclose()
    for secret in sale.intruder.secrets:
        guessed = Redis(port=port, username="expiration", password=secret)
        with pytest.raises(AuthenticationError):
            await guessed.ping()
        await guessed.aclose()


async def test_what_is_left_is_what_passes_through_the_pages(sale: Sale) -> None:
    """Public changes, the address that auth counts, and the sessions of those who visit meanwhile."""
    received, change = list[str](), f"ticket.updated.{sale.listed}"

    async def hear(message: Msg) -> None:
        received.append(message.subject)

    async with sale.broker(sale.as_pages()) as pages:
        for subject in SUBJECTS:
            await pages.subscribe(subject, cb=hear)
        await pages.flush()
        status, _ = await sale.seller.call(
            "PUT", f"/api/tickets/{sale.listed}", {"title": "New", "price": 41}
        )
        assert status == 200
        await sale.seller.see(f"/api/tickets/{sale.listed}", lambda _: change in received)
    assert sale.refused == []

    wrong = {"email": sale.buyer.email, "password": "another password"}
    answer = await sale.intruder.api.send("POST", "/api/users/signin", sale.intruder.address, wrong)
    assert answer.status == 400

    passing = {"Cookie": "=".join(sale.buyer.session)}
    assert (await sale.intruder.api.send("GET", "/api/orders", passing)).status == 200
