"""Pages of a list without an app: sort keys, cursors, queries of a page, and the link to the next one."""

import base64
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from common.base.errors import BadRequest
from common.base.money import MAX_UNITS, Money
from common.contract.details import NO_DETAILS, Details
from common.persistence.mongo import Database
from tickets.domain import Ticket
from tickets.paging import decode, encode, next_link, page
from tickets.repository import Page
from tickets.sorting import ORDERS, Cursor, Sort, beyond, cursor_of, not_before, soonness

IDS = [f"{number:024x}" for number in range(1, 8)]
DAYS = [date(2087, 5, 1), date(2087, 5, 2)]


def a_ticket(ticket_id: str, cents: int, day: date | None) -> Ticket:
    details = NO_DETAILS if day is None else Details(event_date=day)
    return Ticket(id=ticket_id, title="Concert", price=Money(cents), user_id="u", details=details)


TICKETS = [
    a_ticket(ticket_id, cents, day)
    for ticket_id, cents, day in zip(
        IDS,
        (500, 700, 500, 300, 700, 500, 300),
        (None, DAYS[1], DAYS[0], None, DAYS[1], DAYS[0], None),
        strict=True,
    )
]
EXPECTED = {
    Sort.NEWEST: [7, 6, 5, 4, 3, 2, 1],
    Sort.RELEVANCE: [7, 6, 5, 4, 3, 2, 1],
    Sort.CHEAPEST: [7, 4, 6, 3, 1, 5, 2],
    Sort.DEAREST: [2, 5, 1, 3, 6, 4, 7],
    Sort.SOONEST: [6, 3, 5, 2, 7, 4, 1],
}


@pytest.mark.parametrize("sort", Sort)
async def test_each_page_begins_after_the_last_ticket_of_the_one_before(
    database: Database, sort: Sort
) -> None:
    tickets = database["tickets"]
    await tickets.insert_many(
        [
            {"_id": ticket.id, "price_cents": ticket.price.cents, "soonness": soonness(ticket)}
            for ticket in TICKETS
        ]
    )
    order = [ticket["_id"] for ticket in await tickets.find({}, sort=ORDERS[sort])]
    assert [IDS.index(one) + 1 for one in order] == EXPECTED[sort]

    for ticket in TICKETS:
        after = decode(encode(cursor_of(ticket, sort), sort), sort)
        rest = await tickets.find(beyond(after, sort), sort=ORDERS[sort])
        assert [one["_id"] for one in rest] == order[order.index(ticket.id) + 1 :]


def test_a_sooner_day_has_the_higher_key() -> None:
    assert soonness(a_ticket(IDS[0], 1, DAYS[0])) == -DAYS[0].toordinal()
    assert soonness(a_ticket(IDS[0], 1, None)) is None
    assert not_before(-5) == {"$not": {"$gt": -5}}


@pytest.mark.parametrize(
    ("sort", "cursor"),
    [
        (Sort.NEWEST, (700, IDS[1])),
        (Sort.CHEAPEST, (700, IDS[1])),
        (Sort.DEAREST, (700, IDS[1])),
        (Sort.SOONEST, (-DAYS[1].toordinal(), IDS[1])),
        (Sort.RELEVANCE, (0, IDS[1])),
    ],
)
def test_a_cursor_has_the_sort_key_and_the_id(sort: Sort, cursor: Cursor) -> None:
    assert cursor_of(TICKETS[1], sort) == cursor


def coded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_a_cursor_of_either_release_is_read_by_the_other() -> None:
    assert encode((-5, IDS[0]), Sort.SOONEST) == coded(f"date.-5.{IDS[0]}")
    assert encode((None, IDS[0]), Sort.SOONEST) == coded(f"date..{IDS[0]}")
    assert decode(coded(f"date..{IDS[0]}"), Sort.SOONEST) == (None, IDS[0])
    assert decode(coded(f"-price.9999999999.{IDS[0]}"), Sort.DEAREST) == (9_999_999_999, IDS[0])
    assert "=" not in encode((1, "x"), Sort.NEWEST) + encode((10, "x"), Sort.NEWEST)


@pytest.mark.parametrize(
    "text",
    [
        *("", "é", "\udcff", "A", "====", "!!!!"),
        coded(f"price.500.{IDS[0]}"),
        coded(f"newest..{IDS[0]}"),
        coded("newest.500.no-id"),
        coded(f"newest.5x.{IDS[0]}"),
        coded(f"newest.12345678901.{IDS[0]}"),
        coded(f"newest.500.{IDS[0]}\n"),
        coded("newest.500"),
        base64.urlsafe_b64encode(b"newest.500.\xff").decode(),
    ],
)
def test_a_text_that_is_no_cursor_of_this_order_is_refused(text: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        decode(text, Sort.NEWEST)

    (entry,) = refusal.value.entries
    assert (entry.code, entry.field) == ("cursor-invalid", "cursor")
    assert refusal.value.__cause__ is None


async def a_page(**query: Any) -> Page:
    limits: dict[str, Any] = {"limit": 50, "sort": Sort.NEWEST, "cursor": None, "status": None}
    return await page(**{"q": "", "min_price": "", "max_price": ""} | limits | query)


async def test_a_page_has_the_fields_of_its_query() -> None:
    cursor = encode((500, IDS[0]), Sort.CHEAPEST)

    found = await a_page(
        q="  two words ",
        min_price="5",
        max_price="7.5",
        status="sold",
        sort=Sort.CHEAPEST,
        limit=7,
        cursor=cursor,
    )

    assert found == Page(
        limit=7,
        sort=Sort.CHEAPEST,
        after=(500, IDS[0]),
        words="two words",
        min_price=Money(500),
        max_price=Money(750),
        status="sold",
    )
    assert await a_page() == Page(limit=50)


@pytest.mark.parametrize(
    ("least", "most", "expected"),
    [
        ("", " ", (None, None)),
        ("0", "0", (0, 0)),
        ("1.001", "1.009", None),
        ("1.001", "1.019", (101, 101)),
        ("1.01", "1.01", (101, 101)),
        ("-3", "2000000", (0, (MAX_UNITS + 1) * 100)),
        ("", "0.009", (None, 0)),
    ],
)
async def test_the_ends_of_a_price_range_are_cents_within_it(
    least: str, most: str, expected: tuple[int | None, int | None] | None
) -> None:
    if expected is None:
        with pytest.raises(BadRequest):
            await a_page(min_price=least, max_price=most)
        return
    found = await a_page(min_price=least, max_price=most)
    ends = [None if end is None else end.cents for end in (found.min_price, found.max_price)]
    assert tuple(ends) == expected


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ({"q": "a\0b"}, "q-invalid", "q"),
        ({"min_price": "5.01", "max_price": "5"}, "price-range-invalid", "minPrice"),
        ({"min_price": "x"}, "price-invalid", "minPrice"),
        ({"max_price": "x"}, "price-invalid", "maxPrice"),
    ],
)
async def test_a_bad_field_of_the_query_is_named(query: dict[str, str], code: str, field: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        await a_page(**query)

    (entry,) = refusal.value.entries
    assert (entry.code, entry.field) == (code, field)


def linked(link: str) -> tuple[str, dict[str, list[str]]]:
    target, rel = link.split("; ")
    assert rel == 'rel="next"'
    assert (target[0], target[-1]) == ("<", ">")
    parts = urlsplit(target[1:-1])
    return parts.path, parse_qs(parts.query, strict_parsing=True)


def test_the_link_to_the_next_page_repeats_the_query_with_another_cursor() -> None:
    this = Page(
        limit=7,
        sort=Sort.CHEAPEST,
        after=(1, IDS[0]),
        words="two words",
        min_price=Money(500),
        max_price=Money(750),
        status="sold",
    )
    path, query = linked(next_link("/api/tickets", this, "me", (700, IDS[1])))

    assert path == "/api/tickets"
    assert query == {
        "q": ["two words"],
        "minPrice": ["5.00"],
        "maxPrice": ["7.50"],
        "status": ["sold"],
        "sort": ["price"],
        "limit": ["7"],
        "seller": ["me"],
        "cursor": [encode((700, IDS[1]), Sort.CHEAPEST)],
    }


def test_the_link_leaves_out_what_the_query_leaves_out() -> None:
    _, query = linked(next_link("/api/tickets", Page(limit=50), None, (700, IDS[1])))

    assert query == {"limit": ["50"], "cursor": [encode((700, IDS[1]), Sort.NEWEST)]}
