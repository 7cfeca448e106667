from collections.abc import Sequence

import httpx
import pytest

from common.base.identity import CurrentUser
from common.base.ids import is_id, new_id
from common.http.session_keys import PrivateKey
from common.http.session_tokens import TokenSigner
from common.persistence.mongo import Database
from common.testing.answers import code_of, codes_of, errors_of, message_of
from common.testing.browser import SESSIONS, a_user, signed_in
from common.testing.fake_stream import FakeStream
from tests.builders import Market

BODY = {"title": "Concert", "price": 20}
VISIBLE = (
    "\u05d4\u05d5\u05e4\u05e2\u05d4 2027!\u200f",
    "\u2764\ufe0f",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "\u0e01\u0e33",
)
"""Hebrew with a mark of direction, an emoji with a selector, Persian with a non-joiner, Thai with a vowel."""
TURNED = "Title must not change the direction of writing"
FIELDS = [
    *("id", "title", "price", "eventDate", "venue", "seat", "city", "startTime", "faceValue", "notes"),
    *("userId", "version", "orderId", "status", "delivery", "file"),
]


# Offering


async def test_an_offer_answers_with_the_ticket(market: Market) -> None:
    response = await market.post({"title": "Concert", "price": 19.99})

    assert response.status_code == 201
    ticket = response.json()
    assert is_id(ticket.pop("id"))
    assert ticket == {
        "title": "Concert",
        "price": 19.99,
        "eventDate": None,
        "venue": None,
        "seat": None,
        **dict.fromkeys(("city", "startTime", "faceValue", "notes")),
        "userId": market.seller.id,
        "version": 0,
        "orderId": None,
        "status": "available",
        "delivery": "transfer",
        "file": None,
    }


async def test_every_answer_has_the_same_fields_and_nothing_of_the_database(market: Market) -> None:
    created = await market.a_ticket()
    edited = (await market.put(created, BODY)).json()
    listed = (await market.client.get("/api/tickets")).json()

    for ticket in (created, edited, await market.shown(created), *listed):
        assert list(ticket) == FIELDS


@pytest.mark.parametrize(
    "title", ["x", "x" * 200, f"  {'x' * 200}\n", "東京　ドーム", "👨‍👩‍👧 day", "<b>&amp;</b>", *VISIBLE]
)
async def test_a_title_is_trimmed_and_may_have_1_to_200_characters(market: Market, title: str) -> None:
    assert (await market.a_ticket(title))["title"] == title.strip()


@pytest.mark.parametrize(
    ("title", "message"),
    [
        ("", "Title is required"),
        ("  \t\n", "Title is required"),
        *((blank, "Title is required") for blank in "\u200b\u3164\u2800\u115f\uffa0\ufeff\u00ad\u3000"),
        ("\u034f\ufe0f \U000e0100", "Title is required"),
        ("\u0301", "Title is required"),
        ("x" * 201, "Title must be at most 200 characters"),
        ("a\x00b", "Title must not hold control characters"),
        ("a\nb", "Title must not hold control characters"),
        *(
            (f"Evil {turn}gnitsil", TURNED)
            for turn in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
        ),
    ],
)
async def test_a_bad_title_is_refused(market: Market, title: str, message: str) -> None:
    response = await market.post({"title": title, "price": 20})

    assert errors_of(response, 400) == [{"message": message, "field": "title"}]


@pytest.mark.parametrize(
    ("price", "shown"),
    [
        ("20.00", 20),
        (" 20.5 ", 20.5),
        ("0.01", 0.01),
        (19.99, 19.99),
        (0.29, 0.29),
        (1e2, 100),
        (1_000_000, 1_000_000),
        (999_999.99, 999_999.99),
    ],
)
async def test_a_price_is_a_number_with_at_most_two_decimals(
    market: Market, database: Database, price: object, shown: float
) -> None:
    ticket = await market.a_ticket(price=price)

    assert ticket["price"] == shown
    stored = await database["tickets"].find_one({"_id": ticket["id"]})
    assert stored is not None
    assert stored["price_cents"] == round(shown * 100)


@pytest.mark.parametrize(
    ("message", "prices"),
    [
        ("Price must be greater than 0", [0, -1, "0", "-1", "", None]),
        (
            "Price must be a number, such as 20.50",
            ["abc", True, [], {"$gt": ""}, "1_000", "1e-9999999", "20,50", "$20"],
        ),
    ],
)
async def test_a_price_that_is_no_amount_is_refused(
    market: Market, message: str, prices: Sequence[object]
) -> None:
    for price in prices:
        response = await market.post({"title": "Concert", "price": price})

        assert errors_of(response, 400) == [{"message": message, "field": "price"}]


@pytest.mark.parametrize(
    ("price", "message"),
    [
        (1_000_000.01, "Price must be at most 1000000"),
        (int("9" * 30), "Price must be at most 1000000"),
        (1.001, "Price must have at most two decimals"),
        ("1.001", "Price must have at most two decimals"),
    ],
)
async def test_a_price_out_of_bounds_is_refused(market: Market, price: object, message: str) -> None:
    response = await market.post({"title": "Concert", "price": price})

    assert errors_of(response, 400) == [{"message": message, "field": "price"}]


async def test_each_bad_field_has_an_entry(market: Market) -> None:
    response = await market.post({})

    assert errors_of(response, 400) == [
        {"message": "Title is required", "field": "title"},
        {"message": "Price must be greater than 0", "field": "price"},
    ]
    assert codes_of(response, 400) == {"title": "title-required", "price": "price-invalid"}


async def test_a_refused_offer_stores_and_publishes_nothing(
    market: Market, database: Database, stream: FakeStream
) -> None:
    await market.post({"title": "", "price": 20})

    assert await database["tickets"].count_documents({}) == 0
    assert stream.messages == []


# Editing


async def test_an_edit_is_one_more_version(market: Market) -> None:
    ticket = await market.a_ticket()

    response = await market.put(ticket, {"title": " Opera ", "price": "15.50"})

    assert response.status_code == 200
    assert response.json() == ticket | {"title": "Opera", "price": 15.5, "version": 1}
    assert await market.shown(ticket) == response.json()


async def test_a_held_ticket_cannot_be_edited(market: Market) -> None:
    ticket, _ = await market.a_held_ticket()

    refused = await market.put(ticket, BODY)
    assert message_of(refused, 400) == "Cannot edit a reserved ticket"
    assert code_of(refused, 400) == "ticket-not-editable"
    assert (await market.shown(ticket))["version"] == 1


async def test_a_sold_ticket_cannot_be_edited(market: Market) -> None:
    ticket, _ = await market.a_sold_ticket()

    refused = await market.put(ticket, BODY)
    assert message_of(refused, 400) == "Cannot edit a reserved ticket"
    assert code_of(refused, 400) == "ticket-not-editable"


async def test_a_withdrawn_ticket_can_be_edited_and_stays_withdrawn(market: Market) -> None:
    ticket = await market.a_ticket()
    await market.delete(ticket)

    edited = await market.put(ticket, BODY)

    assert (edited.status_code, edited.json()["status"], edited.json()["version"]) == (200, "withdrawn", 2)
    assert await market.titles() == []


# Withdrawing


async def test_a_withdrawn_ticket_is_gone_for_all_but_its_seller(market: Market) -> None:
    ticket = await market.a_ticket()

    response = await market.delete(ticket)

    assert (response.status_code, response.content) == (204, b"")
    path = f"/api/tickets/{ticket['id']}"
    for headers in ({}, signed_in(a_user())):
        gone = await market.client.get(path, headers=headers)
        assert message_of(gone, 404) == "Not found"
        assert code_of(gone, 404) == "ticket-withdrawn"
    own = await market.client.get(path, headers=signed_in(market.seller))
    assert own.json() == ticket | {"status": "withdrawn", "version": 1}
    assert code_of(await market.delete(ticket, a_user()), 404) == "ticket-withdrawn"
    assert await market.titles() == []


async def test_a_held_ticket_cannot_be_withdrawn(market: Market) -> None:
    ticket, _ = await market.a_held_ticket()

    refused = await market.delete(ticket)
    assert message_of(refused, 400) == "Cannot withdraw a reserved or sold ticket"
    assert code_of(refused, 400) == "ticket-not-withdrawable"


async def test_a_sold_ticket_cannot_be_withdrawn(market: Market) -> None:
    ticket, _ = await market.a_sold_ticket()

    refused = await market.delete(ticket)
    assert message_of(refused, 400) == "Cannot withdraw a reserved or sold ticket"
    assert code_of(refused, 400) == "ticket-not-withdrawable"


# Who, and in which order things are checked


@pytest.mark.parametrize(
    ("method", "path"), [("POST", ""), ("PUT", f"/{new_id()}"), ("DELETE", f"/{new_id()}")]
)
async def test_a_write_needs_a_session_before_all_else(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    response = await client.request(
        method, f"/api/tickets{path}", content=b"{", headers={"Content-Type": "x"}
    )

    assert errors_of(response, 401) == [{"message": "Not authorized"}]


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        TokenSigner(PrivateKey.generate()).token(a_user()),
        SESSIONS.token(a_user())[:-4],
    ],
    ids=["nonsense", "another key", "cut"],
)
async def test_a_bad_session_is_nobody(client: httpx.AsyncClient, token: str) -> None:
    headers = {"Cookie": f"session={token}"}

    assert (await client.get("/api/tickets", headers=headers)).status_code == 200
    assert message_of(await client.post("/api/tickets", json=BODY, headers=headers), 401) == "Not authorized"


async def test_the_body_is_checked_before_the_ticket_is_looked_up(market: Market) -> None:
    response = await market.put({"id": new_id()}, {"title": "", "price": 20})

    assert message_of(response, 400) == "Title is required"


@pytest.mark.parametrize("ticket_id", [new_id(), "no-id"])
async def test_an_unknown_ticket_is_not_found(market: Market, ticket_id: str) -> None:
    ticket = {"id": ticket_id}

    assert message_of(await market.client.get(f"/api/tickets/{ticket_id}"), 404) == "Not found"
    assert message_of(await market.put(ticket, BODY), 404) == "Not found"
    assert message_of(await market.delete(ticket), 404) == "Not found"


async def test_only_its_seller_may_change_a_ticket(market: Market) -> None:
    ticket = await market.a_ticket()
    stranger = a_user()

    assert message_of(await market.put(ticket, BODY, stranger), 401) == "Not authorized"
    assert message_of(await market.delete(ticket, stranger), 401) == "Not authorized"
    assert await market.shown(ticket) == ticket


async def test_the_owner_is_checked_before_the_state(market: Market) -> None:
    ticket, _ = await market.a_held_ticket()
    stranger = a_user()

    assert message_of(await market.put(ticket, BODY, stranger), 401) == "Not authorized"
    assert message_of(await market.delete(ticket, stranger), 401) == "Not authorized"


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.test"}, {"Origin": "null"}],
    ids=["fetch metadata", "origin", "opaque origin"],
)
async def test_a_write_from_another_site_is_refused(
    client: httpx.AsyncClient, seller: CurrentUser, headers: dict[str, str]
) -> None:
    response = await client.post("/api/tickets", json=BODY, headers=signed_in(seller) | headers)

    assert message_of(response, 403) == "Cross-site requests are not allowed"
    assert (await client.get("/api/tickets", headers=headers)).json() == []


async def test_a_write_from_our_own_pages_is_taken(client: httpx.AsyncClient, seller: CurrentUser) -> None:
    headers = signed_in(seller) | {"Sec-Fetch-Site": "same-origin", "Origin": str(client.base_url)}

    assert (await client.post("/api/tickets", json=BODY, headers=headers)).status_code == 201


# A ticket's states, as anybody sees them


async def test_a_held_ticket_is_shown_with_its_order(market: Market) -> None:
    ticket, order = await market.a_held_ticket()

    assert await market.shown(ticket) == ticket | {"version": 1, "orderId": order.id, "status": "held"}


async def test_a_sold_ticket_stays_visible(market: Market) -> None:
    ticket, order = await market.a_sold_ticket()

    assert await market.shown(ticket) == ticket | {"version": 2, "orderId": order.id, "status": "sold"}


# Answers about no ticket


async def test_an_unknown_route_is_not_found(client: httpx.AsyncClient) -> None:
    assert message_of(await client.get("/api/tickets/a/b"), 404) == "Not found"


async def test_a_wrong_method_is_named(client: httpx.AsyncClient) -> None:
    assert message_of(await client.patch(f"/api/tickets/{new_id()}"), 405) == "Method not allowed"


async def test_it_is_not_ready_while_the_stream_is_down(
    client: httpx.AsyncClient, stream: FakeStream
) -> None:
    assert (await client.get("/readyz")).status_code == 200

    stream.up = False

    assert message_of(await client.get("/readyz"), 503) == "event stream is not ready"
    assert (await client.get("/healthz")).status_code == 200
