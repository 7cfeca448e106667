"""Listings and searches, over the tickets service and over client's fake of it."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from tests.apis.shop import Shop

from client.schemas import Ticket
from common.base import times
from common.base.errors import BadRequest
from common.base.ids import is_id, new_id
from common.base.money import Money
from common.testing.browser import a_user

FIELDS = {
    *("id", "title", "price", "eventDate", "venue", "seat", "city", "startTime", "faceValue", "notes"),
    *("userId", "version", "orderId", "status", "delivery", "file"),
}
DETAILS = ("eventDate", "startTime", "venue", "city", "seat", "faceValue", "notes")
NO_TITLE = ("title-required", "Title is required", "title")
NO_PRICE = ("price-invalid", "Price must be greater than 0", "price")
NO_NUMBER = ("price-invalid", "Price must be a number, such as 20.50", "price")
WITHDRAWN = ("ticket-withdrawn", "Not found", None)


def titles(tickets: list[Ticket]) -> list[str]:
    return [ticket.title for ticket in tickets]


async def test_a_new_listing_is_for_sale(shop: Shop) -> None:
    when, where = {"eventDate": "2087-05-31", "startTime": "19:30"}, {"venue": " Globe ", "city": " London "}
    words = {"seat": "A 7", "faceValue": "18.50", "notes": " No bags.\r\nA drink is included. "}
    ticket = await shop.lists(" Opera ", "20.50", **when, **where, **words)

    created = shop.json(201)
    assert set(created) == FIELDS
    assert is_id(created["id"])
    assert created | {"id": ""} == {
        "id": "",
        "title": "Opera",
        "price": 20.5,
        "eventDate": "2087-05-31",
        "venue": "Globe",
        "seat": "A 7",
        "city": "London",
        "startTime": "19:30",
        "faceValue": 18.5,
        "notes": "No bags.\nA drink is included.",
        "userId": shop.seller.id,
        "version": 0,
        "orderId": None,
        "status": "available",
        "delivery": "transfer",
        "file": None,
    }
    await shop.visitors.ticket(ticket.id)
    assert shop.json(200) == created


async def test_empty_details_are_none(shop: Shop) -> None:
    await shop.lists(eventDate="", startTime="", venue=" ", city="", seat="", faceValue="", notes=" ")

    created = shop.json(201)
    assert {created[name] for name in DETAILS} == {None}
    assert created["price"] == 20


@pytest.mark.parametrize(
    ("offer", "entries"),
    [
        ({"title": " ", "price": ""}, [NO_TITLE, NO_PRICE]),
        ({"title": "Opera"}, [NO_PRICE]),
        ({"price": "20"}, [NO_TITLE]),
        *(({"title": "Opera", "price": price}, [NO_NUMBER]) for price in ("x", "20,50", "$20", "\uff11")),
        ({"title": "Opera", "price": "0"}, [("price-too-low", "Price must be greater than 0", "price")]),
        (
            {"title": "Opera", "price": "1000001"},
            [("price-too-high", "Price must be at most 1000000", "price")],
        ),
        (
            {"title": "Opera", "price": "1.005"},
            [("price-too-precise", "Price must have at most two decimals", "price")],
        ),
        (
            {"title": "x" * 201, "price": "20"},
            [("title-too-long", "Title must be at most 200 characters", "title")],
        ),
        (
            {"title": "Opera \u202e", "price": "20", "eventDate": "2020-01-01", "seat": "\u20667"},
            [
                ("title-bidi-control", "Title must not change the direction of writing", "title"),
                ("event-date-past", "The date of the event is over", "eventDate"),
                ("seat-bidi-control", "Seat must not change the direction of writing", "seat"),
            ],
        ),
        (
            {"title": "Opera", "price": "20", "eventDate": "31.5.", "venue": "x" * 201, "seat": "x" * 101},
            [
                ("event-date-invalid", "Date must be a day such as 2027-05-31", "eventDate"),
                ("venue-too-long", "Venue must be at most 200 characters", "venue"),
                ("seat-too-long", "Seat must be at most 100 characters", "seat"),
            ],
        ),
        (
            {"title": "Opera", "price": "20", "city": "x" * 101, "startTime": "24:00", "faceValue": "0"}
            | {"notes": "x" * 501},
            [
                ("city-too-long", "City must be at most 100 characters", "city"),
                ("start-time-invalid", "Start time must be a time such as 19:30", "startTime"),
                ("face-value-invalid", "Face value must be a price such as 20.50", "faceValue"),
                ("notes-too-long", "Notes must be at most 500 characters", "notes"),
            ],
        ),
    ],
)
async def test_an_offer_is_refused_by_field(
    shop: Shop, offer: Mapping[str, str], entries: list[tuple[str, str, str | None]]
) -> None:
    with shop.refuses(400, *entries):
        await shop.sellers.create_ticket(offer)
    ticket = await shop.lists()
    with shop.refuses(400, *entries):
        await shop.sellers.update_ticket(ticket.id, offer)


async def test_who_asks_is_checked_before_the_offer(shop: Shop) -> None:
    ticket = await shop.lists()
    with shop.refuses_strangers():
        await shop.visitors.create_ticket({"title": "", "price": ""})
    with shop.refuses_strangers():
        await shop.visitors.update_ticket(ticket.id, {"title": "", "price": ""})
    with shop.refuses(400, NO_TITLE, NO_PRICE):
        await shop.buyers.update_ticket(new_id(), {"title": "", "price": ""})


async def test_an_edit_replaces_every_field(shop: Shop) -> None:
    ticket = await shop.lists(eventDate="2087-05-31", venue="Globe", seat="A 7", city="London", notes="None")

    await shop.sellers.update_ticket(ticket.id, {"title": "Ballet", "price": "30", "seat": "B 8"})

    changed = shop.json(200)
    assert changed == {
        "id": ticket.id,
        "title": "Ballet",
        "price": 30,
        "eventDate": None,
        "venue": None,
        "seat": "B 8",
        **dict.fromkeys(("city", "startTime", "faceValue", "notes")),
        "userId": shop.seller.id,
        "version": 1,
        "orderId": None,
        "status": "available",
        "delivery": "transfer",
        "file": None,
    }
    await shop.visitors.ticket(ticket.id)
    assert shop.json(200) == changed


async def test_only_its_seller_changes_a_listing(shop: Shop) -> None:
    ticket = await shop.lists()
    offer = {"title": "Ballet", "price": "30"}
    with shop.refuses_strangers():
        await shop.buyers.update_ticket(ticket.id, offer)
    with shop.refuses_strangers():
        await shop.buyers.withdraw_ticket(ticket.id)
    with shop.refuses_strangers():
        await shop.visitors.withdraw_ticket(ticket.id)


async def test_a_listing_that_does_not_exist_is_not_found(shop: Shop) -> None:
    for ticket_id in (new_id(), "x"):
        with shop.finds_nothing():
            await shop.visitors.ticket(ticket_id)
        with shop.finds_nothing():
            await shop.sellers.update_ticket(ticket_id, {"title": "Ballet", "price": "30"})
        with shop.finds_nothing():
            await shop.sellers.withdraw_ticket(ticket_id)


async def test_a_withdrawn_listing_is_shown_to_its_seller_alone(shop: Shop) -> None:
    ticket = await shop.lists()

    await shop.sellers.withdraw_ticket(ticket.id)

    assert (shop.answers.last.status_code, shop.answers.last.content) == (204, b"")
    for api in (shop.visitors, shop.buyers):
        with shop.refuses(404, WITHDRAWN):
            await api.ticket(ticket.id)
        assert shop.answers.last.headers.get("etag") is None
    shown = await shop.sellers.ticket(ticket.id)
    assert (shown.status, shown.version) == ("withdrawn", 1)
    assert (await shop.visitors.tickets({})).items == []
    (own,) = (await shop.sellers.tickets({"seller": "me"})).items
    assert (own.id, own.status, own.version) == (ticket.id, "withdrawn", 1)
    with shop.refuses(404, WITHDRAWN):
        await shop.buyers.withdraw_ticket(ticket.id)
    await shop.sellers.withdraw_ticket(ticket.id)
    assert (shop.answers.last.status_code, shop.answers.last.content) == (204, b"")
    await shop.sellers.update_ticket(ticket.id, {"title": "Ballet", "price": "30"})
    assert (await shop.sellers.ticket(ticket.id)).status == "withdrawn"


async def test_a_withdrawn_listing_is_put_back_on_sale_once(shop: Shop) -> None:
    ticket = await shop.lists()
    await shop.sellers.withdraw_ticket(ticket.id)
    await shop.is_gone(ticket.id)
    with shop.refuses(404, WITHDRAWN):
        await shop.buyers.relist_ticket(ticket.id)
    with shop.refuses_strangers():
        await shop.visitors.relist_ticket(ticket.id)

    for _ in range(2):
        await shop.sellers.relist_ticket(ticket.id)
        assert (shop.json(200)["status"], shop.json(200)["version"]) == ("available", 2)

    assert [found.id for found in (await shop.visitors.tickets({})).items] == [ticket.id]
    assert (await shop.ordered(ticket)).ticket.id == ticket.id


async def test_a_listing_with_an_order_can_not_be_changed(shop: Shop) -> None:
    order = await shop.ordered()
    ticket_id = order.ticket.id
    edit = ("ticket-not-editable", "Cannot edit a reserved ticket", None)
    withdrawal = ("ticket-not-withdrawable", "Cannot withdraw a reserved or sold ticket", None)

    for _ in ("held", "sold"):
        with shop.refuses(400, edit):
            await shop.sellers.update_ticket(ticket_id, {"title": "Ballet", "price": "30"})
        with shop.refuses(400, withdrawal):
            await shop.sellers.withdraw_ticket(ticket_id)
        await shop.paid(order)


async def test_the_list_shows_what_is_for_sale_newest_first(shop: Shop) -> None:
    first, second, third = [await shop.lists(title) for title in ("Opera", "Ballet", "Circus")]
    await shop.ordered(second)

    found = await shop.visitors.tickets({})

    assert [set(shown) for shown in shop.json(200)] == [FIELDS, FIELDS]
    assert [ticket.id for ticket in found.items] == [third.id, first.id]
    assert found.following is None


async def test_a_search_is_by_words_of_the_title_in_any_case(shop: Shop) -> None:
    for title in ("Opera at night", "Ballet", "OPÉRA"):
        await shop.lists(title)
    await shop.lists("Circus", venue="The Opera", seat="Night 1")

    assert titles((await shop.visitors.tickets({"q": " opera "})).items) == [
        "Circus",
        "OPÉRA",
        "Opera at night",
    ]
    assert titles((await shop.visitors.tickets({"q": "NIGHT opera"})).items) == ["Circus", "Opera at night"]
    assert (await shop.visitors.tickets({"q": "nobody"})).items == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"minPrice": "20"}, ["Circus", "Ballet"]),
        ({"maxPrice": "20.00"}, ["Opera", "Ballet"]),
        ({"minPrice": "20", "maxPrice": "20"}, ["Ballet"]),
        ({"minPrice": " ", "maxPrice": ""}, ["Circus", "Opera", "Ballet"]),
        ({"minPrice": "0", "maxPrice": "2000000"}, ["Circus", "Opera", "Ballet"]),
        ({"minPrice": "-1", "maxPrice": "0"}, []),
        ({"city": " ghent"}, ["Circus", "Opera"]),
        ({"city": "Rome", "sort": "price"}, []),
        ({"city": "", "from": "", "to": " "}, ["Circus", "Opera", "Ballet"]),
        ({"from": "2087-05-31"}, ["Opera"]),
        ({"to": "2087-05-30", "sort": "price"}, ["Circus"]),
        ({"from": "2087-05-30", "to": "2087-05-31", "sort": "date"}, ["Circus", "Opera"]),
        ({"from": "1999-01-01", "city": "Ghent", "maxPrice": "10", "q": "opera"}, ["Opera"]),
        ({"sort": "price"}, ["Opera", "Ballet", "Circus"]),
        ({"sort": "-price"}, ["Circus", "Ballet", "Opera"]),
        ({"sort": "date"}, ["Circus", "Opera", "Ballet"]),
        ({"sort": "newest"}, ["Circus", "Opera", "Ballet"]),
    ],
)
async def test_a_list_is_filtered_and_sorted(
    shop: Shop, query: Mapping[str, str], expected: list[str]
) -> None:
    await shop.lists("Ballet", "20")
    await shop.lists("Opera", "10", eventDate="2087-05-31", city="Ghent")
    await shop.lists("Circus", "30", eventDate="2087-05-30", city="GHENT")

    assert titles((await shop.visitors.tickets(query)).items) == expected


@pytest.mark.parametrize(
    ("sort", "expected"), [("price", ["c", "b", "a"]), ("-price", ["a", "b", "c"]), ("date", ["c", "b", "a"])]
)
async def test_equal_tickets_have_an_order_too(shop: Shop, sort: str, expected: list[str]) -> None:
    for title in "abc":
        await shop.lists(title)

    assert titles((await shop.visitors.tickets({"sort": sort})).items) == expected


async def test_what_is_over_leaves_every_list_but_its_sellers(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for title, day in (("over", "2087-05-31"), ("next", "2087-06-01")):
        await shop.lists(title, eventDate=day)

    monkeypatch.setattr(times, "now", lambda: datetime(2087, 6, 1, 12, tzinfo=UTC))

    for sort in ("newest", "price", "-price", "date"):
        assert titles((await shop.visitors.tickets({"sort": sort})).items) == ["next"]
    own = {"seller": "me", "status": "available", "sort": "date"}
    assert titles((await shop.sellers.tickets(own)).items) == ["over", "next"]


@pytest.mark.parametrize(
    "query", [{}, {"sort": "price"}, {"sort": "-price"}, {"q": "n", "minPrice": "2", "maxPrice": "90"}]
)
async def test_a_list_goes_on_from_page_to_page(shop: Shop, query: Mapping[str, str]) -> None:
    for number in range(5):
        await shop.lists(f"n{number}", str(10 + number))

    whole = (await shop.visitors.tickets(query)).items
    pages, following = [], {**query, "limit": "2"}
    while following:
        page = await shop.visitors.tickets(following)
        pages.append(len(page.items))
        whole, expected = whole[len(page.items) :], whole[: len(page.items)]
        assert page.items == expected
        following = {**page.following} if page.following else {}

    assert pages == [2, 2, 1]
    assert whole == []


@pytest.mark.parametrize(
    ("query", "entry"),
    [
        ({"minPrice": "x"}, ("price-invalid", "Price must be a number, such as 20.50", "minPrice")),
        ({"maxPrice": "20,50"}, ("price-invalid", "Price must be a number, such as 20.50", "maxPrice")),
        (
            {"minPrice": "3", "maxPrice": "2"},
            ("price-range-invalid", "The lowest price is above the highest", "minPrice"),
        ),
        ({"from": "x"}, ("event-date-invalid", "Date must be a day such as 2027-05-31", "from")),
        ({"to": "2087-02-30"}, ("event-date-invalid", "Date must be a day such as 2027-05-31", "to")),
        (
            {"from": "2087-06-02", "to": "2087-06-01"},
            ("day-range-invalid", "The first day is after the last", "from"),
        ),
        ({"city": "x" * 101}, ("city-too-long", "City must be at most 100 characters", "city")),
        ({"q": "x" * 101}, ("q-too-long", "Q must be at most 100 characters", "q")),
        ({"cursor": "x"}, ("cursor-invalid", "Cursor is not one of ours", "cursor")),
        ({"status": "sold"}, ("status-not-allowed", "Status is for one's own listings", "status")),
    ],
)
async def test_a_search_that_makes_no_sense_is_refused(
    shop: Shop, query: Mapping[str, str], entry: tuple[str, str, str | None]
) -> None:
    with shop.refuses(400, entry):
        await shop.visitors.tickets(query)


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"sort": "x"}])
async def test_an_unknown_option_of_a_list_is_refused_by_its_name(
    shop: Shop, query: Mapping[str, str]
) -> None:
    (name,) = query
    with pytest.raises(BadRequest):
        await shop.visitors.tickets(query)
    (entry,) = shop.json(400)["errors"]
    assert (entry["code"], entry["field"]) == (f"{name}-invalid", name)


async def test_a_seller_sees_their_own_listings_in_every_status(shop: Shop) -> None:
    sold, held, withdrawn, available = [await shop.lists(title) for title in "abcd"]
    await shop.paid(await shop.ordered(sold))
    order = await shop.ordered(held)
    await shop.sellers.withdraw_ticket(withdrawn.id)
    await shop.api(a_user()).create_ticket({"title": "another seller's", "price": "1"})

    found = (await shop.sellers.tickets({"seller": "me"})).items
    assert [(ticket.id, ticket.status) for ticket in found] == [
        (available.id, "available"),
        (withdrawn.id, "withdrawn"),
        (held.id, "held"),
        (sold.id, "sold"),
    ]
    assert [ticket.order_id for ticket in found][:3] == [None, None, order.id]
    for ticket in found:
        (one,) = (await shop.sellers.tickets({"seller": "me", "status": ticket.status})).items
        assert one == ticket


async def test_the_pages_of_ones_own_listings_stay_ones_own(shop: Shop) -> None:
    for title in "abc":
        await shop.lists(title)

    page = await shop.sellers.tickets({"seller": "me", "status": "available", "limit": "2"})

    assert page.following is not None
    assert {**page.following, "cursor": ""} == {
        "seller": "me",
        "status": "available",
        "limit": "2",
        "cursor": "",
    }


async def test_a_summary_counts_a_sellers_listings(shop: Shop) -> None:
    for price in ("10.50", "20"):
        await shop.paid(await shop.ordered(await shop.lists(price=price)))
    await shop.ordered()
    await shop.lists()
    await shop.sellers.withdraw_ticket((await shop.lists()).id)

    summary = await shop.sellers.summary()

    assert shop.json(200) == {"available": 1, "held": 1, "sold": 2, "withdrawn": 1, "earned": 30.5}
    assert summary.earned == Money(3050)


async def test_strangers_have_no_listings_of_their_own(shop: Shop) -> None:
    with shop.refuses_strangers():
        await shop.visitors.tickets({"seller": "me"})
    with shop.refuses_strangers():
        await shop.visitors.summary()
