from datetime import UTC, date, datetime

import httpx
import pytest

from common.base import times
from common.base.identity import CurrentUser
from common.base.ids import is_id, new_id
from common.base.money import Money
from common.persistence.mongo import Database
from common.testing.answers import code_of, codes_of, errors_of, message_of, next_page
from common.testing.browser import SESSIONS, a_user, signed_in
from common.testing.events import deliver, emitted
from common.testing.fake_stream import FakeStream
from orders.receipts import Receipt, Receipts
from tests.builders import HOLD, RECEIPT_KEYS, Offer, Payment, Shop

MISSING = [{"message": "TicketId must be provided", "field": "ticketId"}]


# Ordering

CANCELLED = {"status": "cancelled", "version": 1, "heldUntil": None, "endedBecause": "cancelled"}


async def test_an_order_answers_with_what_it_reserved(shop: Shop) -> None:
    offer = await shop.an_offer()
    before = times.now()

    response = await shop.post({"ticketId": offer.id})

    assert response.status_code == 201
    order = response.json()
    published = [
        "id",
        "userId",
        "status",
        "expiresAt",
        "version",
        "ticket",
        "payment",
        "heldUntil",
        "endedBecause",
        "completedAt",
        "fulfilment",
        "deliverBy",
        "acceptBy",
        "claim",
        "cardDispute",
    ]
    assert list(order) == published
    assert is_id(order.pop("id"))
    expires_at = order.pop("expiresAt")
    assert expires_at.endswith("Z")
    assert order.pop("heldUntil") == expires_at
    assert before + HOLD <= datetime.fromisoformat(expires_at) <= times.now() + HOLD
    assert order == {
        "userId": shop.buyer.id,
        "status": "created",
        "version": 0,
        "ticket": offer.ordered("Concert", 20),
        "payment": None,
        "endedBecause": None,
        "completedAt": None,
        **dict.fromkeys(("fulfilment", "deliverBy", "acceptBy", "claim", "cardDispute")),
    }


async def test_an_order_reads_as_it_was_answered(shop: Shop) -> None:
    order = await shop.an_order()

    assert await shop.shown(order) == order


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ticketId": ""},
        {"ticketId": None},
        {"ticketId": "no-id"},
        {"ticketId": 7},
        {"ticketId": {"$gt": ""}},
        {"ticketId": new_id() + "0"},
        {"ticketId": f" {new_id()}"},
        {"ticketId": new_id() + "\n"},
    ],
    ids=repr,
)
async def test_a_ticket_has_to_be_named(shop: Shop, body: object) -> None:
    response = await shop.post(body)
    assert errors_of(response, 400) == MISSING
    assert codes_of(response, 400) == {"ticketId": "ticket-id-required"}


async def test_an_unknown_ticket_is_not_found(shop: Shop) -> None:
    assert message_of(await shop.post({"ticketId": new_id()}), 404) == "Not found"


async def test_a_withdrawn_ticket_is_not_found(shop: Shop, stream: FakeStream) -> None:
    offer = await shop.an_offer()
    await deliver(stream, offer.withdrawn())

    assert message_of(await shop.post({"ticketId": offer.id}), 404) == "Not found"


async def test_nobody_buys_their_own_ticket(shop: Shop, stream: FakeStream) -> None:
    offer = Offer(seller_id=shop.buyer.id)
    await deliver(stream, offer.created())

    refusal = await shop.post({"ticketId": offer.id})
    assert message_of(refusal, 400) == "You can't buy your own ticket"
    assert code_of(refusal, 400) == "own-ticket"


async def test_a_reserved_ticket_cannot_be_ordered(shop: Shop, stream: FakeStream) -> None:
    offer = await shop.an_offer()
    await shop.an_order(offer)

    for user in (a_user(), shop.buyer):
        refused = await shop.post({"ticketId": offer.id}, user)
        assert message_of(refused, 400) == "Ticket is already reserved"
        assert code_of(refused, 400) == "ticket-reserved"
    assert len(await emitted(stream, "order.created", 1)) == 1


async def test_a_sold_ticket_cannot_be_ordered(shop: Shop) -> None:
    order = await shop.a_complete_order()

    refused = await shop.post({"ticketId": order["ticket"]["id"]}, a_user())

    assert message_of(refused, 400) == "Ticket is already reserved"
    assert code_of(refused, 400) == "ticket-reserved"


async def test_a_ticket_can_be_ordered_right_after_a_cancellation_though_the_replica_lags(
    shop: Shop, stream: FakeStream
) -> None:
    offer = await shop.an_offer()
    first = await shop.an_order(offer)
    await deliver(stream, offer.updated(1, order_id=first["id"]))

    await shop.delete(first)
    response = await shop.post({"ticketId": offer.id}, a_user())

    assert response.status_code == 201


async def test_an_order_keeps_the_price_at_which_it_was_placed(shop: Shop, stream: FakeStream) -> None:
    offer = await shop.an_offer()
    order = await shop.an_order(offer)

    await deliver(stream, offer.updated(1, title="Dearer", cents=9900))

    assert (await shop.shown(order))["ticket"] == offer.ordered("Concert", 20)
    (created,) = await emitted(stream, "order.created", 1)
    assert created["ticket"] == {"id": offer.id, "price": 20}


async def test_an_order_is_placed_at_the_price_of_the_latest_edit(shop: Shop, stream: FakeStream) -> None:
    offer = await shop.an_offer()
    await deliver(stream, offer.updated(1, title="Opera", cents=1999))

    order = await shop.an_order(offer)

    assert order["ticket"] == offer.ordered("Opera", 19.99)


async def test_an_order_keeps_what_was_told_of_the_event(shop: Shop, stream: FakeStream) -> None:
    fields = {
        **{"event_date": date(2087, 5, 31), "venue": "Great Hall", "seat": "Row 3", "city": "Ghent"},
        **{"start_time": "19:30", "face_value": Money(1850), "notes": "No bags"},
    }
    offer = Offer()
    await deliver(stream, offer.created().model_copy(update=fields))
    order = await shop.an_order(offer)

    await deliver(stream, offer.updated(1, title="Moved"))

    details = {
        **{"eventDate": "2087-05-31", "venue": "Great Hall", "seat": "Row 3", "city": "Ghent"},
        **{"startTime": "19:30", "faceValue": 18.5, "notes": "No bags"},
    }
    assert (await shop.shown(order))["ticket"] == offer.ordered("Concert", 20) | details


async def test_a_ticket_is_ordered_until_its_day_is_over_everywhere(
    shop: Shop, stream: FakeStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """May 31 ends last in UTC-12. An order of before that is still payable."""
    first, second = Offer(), Offer()
    for offer in (first, second):
        event = offer.created().model_copy(update={"event_date": date(2087, 5, 31)})
        await deliver(stream, event)
    monkeypatch.setattr(times, "now", lambda: datetime(2087, 6, 1, 11, 59, 59, tzinfo=UTC))
    order = await shop.an_order(first)

    monkeypatch.setattr(times, "now", lambda: datetime(2087, 6, 1, 12, tzinfo=UTC))

    refused = await shop.post({"ticketId": second.id, "price": 1})
    assert message_of(refused, 400) == "The day of this event is over"
    assert code_of(refused, 400) == "ticket-event-over"
    await deliver(stream, Payment(order["id"]).created())
    assert (await shop.status(order))[0] == "complete"


@pytest.mark.parametrize("price", [20, "20.00", None])
async def test_an_order_at_the_price_that_was_seen_is_placed(shop: Shop, price: object) -> None:
    offer = await shop.an_offer()

    assert (await shop.post({"ticketId": offer.id, "price": price})).status_code == 201


async def test_an_order_at_another_price_than_was_seen_is_refused(shop: Shop) -> None:
    offer = await shop.an_offer()

    response = await shop.post({"ticketId": offer.id, "price": 19.99})

    assert errors_of(response, 400) == [
        {"message": "The price has changed, please look again", "field": "price"}
    ]
    assert codes_of(response, 400) == {"price": "price-changed"}
    assert (await shop.post({"ticketId": offer.id})).status_code == 201


# Cancelling


async def test_a_buyer_cancels_an_order_as_often_as_they_like(shop: Shop) -> None:
    order = await shop.an_order()

    for _ in range(2):
        response = await shop.delete(order)
        assert (response.status_code, response.content) == (204, b"")

    assert await shop.status(order) == ("cancelled", 1)


async def test_a_complete_order_cannot_be_cancelled(shop: Shop) -> None:
    order = await shop.a_complete_order()

    refusal = await shop.delete(order)
    assert message_of(refusal, 400) == "Cannot cancel a completed order"
    assert code_of(refusal, 400) == "order-complete"
    assert await shop.status(order) == ("complete", 1)


# Who, and in which order things are checked


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("POST", ""), ("GET", f"/{new_id()}"), ("DELETE", f"/{new_id()}"), ("DELETE", "/no-id")],
)
async def test_everything_needs_a_session_before_all_else(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    response = await client.request(method, f"/api/orders{path}?limit=x", content=b"{")

    assert errors_of(response, 401) == [{"message": "Not authorized"}]


@pytest.mark.parametrize("order_id", [new_id(), "no-id"])
async def test_an_unknown_order_is_not_found(shop: Shop, order_id: str) -> None:
    assert message_of(await shop.get({"id": order_id}), 404) == "Not found"
    assert message_of(await shop.delete({"id": order_id}), 404) == "Not found"


async def test_only_its_buyer_sees_or_cancels_an_order(shop: Shop) -> None:
    order = await shop.an_order()

    assert message_of(await shop.get(order, a_user()), 401) == "Not authorized"
    assert message_of(await shop.delete(order, a_user()), 401) == "Not authorized"
    assert await shop.status(order) == ("created", 0)


async def test_the_owner_is_checked_before_the_state(shop: Shop) -> None:
    order = await shop.a_complete_order()

    assert message_of(await shop.delete(order, a_user()), 401) == "Not authorized"


async def test_a_reserved_ticket_of_one_s_own_is_refused_as_one_s_own(shop: Shop, stream: FakeStream) -> None:
    seller = a_user()
    offer = Offer(seller_id=seller.id)
    await deliver(stream, offer.created())
    await shop.an_order(offer)

    refused = await shop.post({"ticketId": offer.id}, seller)

    assert message_of(refused, 400) == "You can't buy your own ticket"
    assert code_of(refused, 400) == "own-ticket"


async def test_a_write_from_another_site_is_refused(shop: Shop, client: httpx.AsyncClient) -> None:
    order = await shop.an_order()
    client.headers["Sec-Fetch-Site"] = "cross-site"

    assert message_of(await shop.delete(order), 403) == "Cross-site requests are not allowed"
    assert await shop.status(order) == ("created", 0)


# Reading


async def test_the_list_has_one_s_own_orders_newest_first_each_with_its_ticket(
    shop: Shop, client: httpx.AsyncClient
) -> None:
    first, second = await shop.an_order(), await shop.an_order()
    await shop.post({"ticketId": (await shop.an_offer()).id}, a_user())
    await shop.delete(first)

    response = await client.get("/api/orders", headers=signed_in(shop.buyer))

    assert response.json() == [second, first | CANCELLED]
    assert next_page(response) is None


async def test_whoever_has_the_code_of_a_receipt_reads_the_state_of_its_order_and_no_more(
    shop: Shop, client: httpx.AsyncClient
) -> None:
    order = await shop.a_complete_order()
    code = (await client.get(f"/api/orders/{order['id']}/receipt", headers=signed_in(shop.buyer))).json()[
        "code"
    ]

    response = await client.get(f"/api/orders/receipts/{code}")

    assert response.json() == {
        "id": order["id"],
        "status": "complete",
        "payment": "authorized",
        "ticketId": order["ticket"]["id"],
    }


async def test_a_receipt_that_was_printed_under_the_key_before_stays_genuine(
    shop: Shop, client: httpx.AsyncClient
) -> None:
    order = await shop.a_complete_order()
    for key in RECEIPT_KEYS:
        code = Receipts([key]).code(Receipt(order["id"], order["ticket"]["id"]))
        assert (await client.get(f"/api/orders/receipts/{code}")).json()["id"] == order["id"]


async def test_only_a_paid_order_has_a_receipt_and_only_for_its_buyer(
    shop: Shop, client: httpx.AsyncClient
) -> None:
    unpaid, paid = await shop.an_order(), await shop.a_complete_order()

    async def asked(order_id: str, headers: dict[str, str]) -> int:
        return (await client.get(f"/api/orders/{order_id}/receipt", headers=headers)).status_code

    assert await asked(unpaid["id"], signed_in(shop.buyer)) == 404
    assert await asked(new_id(), signed_in(shop.buyer)) == 404
    assert await asked(paid["id"], signed_in(a_user())) == 401
    assert await asked(paid["id"], {}) == 401
    assert await asked(paid["id"], signed_in(shop.buyer)) == 200


async def test_a_good_signature_of_a_former_key_proves_no_payment_that_was_not_made(
    shop: Shop, client: httpx.AsyncClient
) -> None:
    """All services knew that key."""
    unpaid, paid = await shop.an_order(), await shop.a_complete_order()

    for claimed in (
        Receipt(unpaid["id"], unpaid["ticket"]["id"]),
        Receipt(paid["id"], unpaid["ticket"]["id"]),
    ):
        code = Receipts(RECEIPT_KEYS[1:]).code(claimed)
        assert message_of(await client.get(f"/api/orders/receipts/{code}"), 404) == "Not found"


@pytest.mark.parametrize(
    "code",
    [
        "x",
        "é",
        Receipts(RECEIPT_KEYS).code(Receipt(new_id(), new_id())),
        Receipts(["another key, as long as the first one"]).code(Receipt(new_id(), new_id())),
        SESSIONS.token(a_user()),
        "x" * 5000,
    ],
    ids=["no code", "no ASCII", "no order", "signed elsewhere", "a session", "too long"],
)
async def test_no_other_code_is_answered(client: httpx.AsyncClient, code: str) -> None:
    assert message_of(await client.get(f"/api/orders/receipts/{code}"), 404) == "Not found"


async def test_the_list_is_empty_at_first(client: httpx.AsyncClient, buyer: CurrentUser) -> None:
    response = await client.get("/api/orders", headers=signed_in(buyer))

    assert (response.status_code, response.json()) == (200, [])


async def test_the_pages_repeat_and_leave_out_nothing_while_orders_are_added(
    shop: Shop, client: httpx.AsyncClient
) -> None:
    placed = [(await shop.an_order())["id"] for _ in range(7)]
    walked: list[str] = []
    path: str | None = "/api/orders?limit=3"

    while path is not None:
        response = await client.get(path, headers=signed_in(shop.buyer))
        walked += [order["id"] for order in response.json()]
        path = next_page(response)
        await shop.an_order()

    assert walked == placed[::-1]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=%00", "cursor"),
        ("cursor=", "cursor"),
    ],
)
async def test_a_bad_parameter_is_refused(
    client: httpx.AsyncClient, buyer: CurrentUser, query: str, field: str
) -> None:
    response = await client.get(f"/api/orders?{query}", headers=signed_in(buyer))

    assert [entry["field"] for entry in errors_of(response, 400)] == [field]


async def test_the_state_of_the_payment_is_shown(shop: Shop, stream: FakeStream) -> None:
    order = await shop.an_order()
    payment = Payment(order["id"])

    await deliver(stream, payment.created())
    assert (await shop.shown(order))["payment"] == "authorized"

    await deliver(stream, payment.captured())
    assert (await shop.shown(order))["payment"] == "captured"


async def test_nothing_of_the_database_is_shown(shop: Shop, database: Database) -> None:
    order = await shop.an_order()
    stored = await database["orders"].find_one({"_id": order["id"]})

    assert stored is not None
    assert stored["reservation"] == order["ticket"]["id"]
    text = (await shop.get(order)).text
    assert not any(name in text for name in ("_id", "outbox", "reservation", "price_cents"))


async def test_it_is_not_ready_while_the_stream_is_down(
    client: httpx.AsyncClient, stream: FakeStream
) -> None:
    assert (await client.get("/readyz")).status_code == 200

    stream.up = False

    assert message_of(await client.get("/readyz"), 503) == "event stream is not ready"
    assert (await client.get("/healthz")).status_code == 200
