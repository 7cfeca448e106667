"""PUT, GET and DELETE /api/tickets/{id}/file."""

from io import BytesIO

import httpx
import pytest
from PIL import Image

from common.base.identity import CurrentUser
from common.base.ids import new_id
from common.contract.events import UserDeleted
from common.messaging.events import VersionedEvent
from common.persistence.mongo import Database
from common.testing.answers import code_of, codes_of, message_of
from common.testing.browser import a_user, signed_in
from common.testing.events import deliver, emitted
from common.testing.fake_stream import FakeStream
from tests.builders import Market, Sale
from tests.files.builders import FileApi, jpeg, pdf, png
from tickets.files import reading
from tickets.files.limits import MAX_BYTES

CODE = "GX-2031-000417"
MALFORMED = ("0", "11", "x", "")


async def test_a_pdf_is_added_and_read_back_as_its_pages(files: FileApi, market: Market) -> None:
    ticket = await market.a_ticket()

    added = await files.put(ticket, pdf([CODE], ["the-second-page"]), name="Mein Ticket.PDF")
    read = await files.get(ticket, market.seller)

    assert added.status_code == 200, added.text
    described = added.json()
    assert described == {
        "name": "Mein Ticket.pdf",
        "type": "application/pdf",
        "bytes": len(read.content),
        "pages": 2,
    }
    assert read.headers["content-type"] == "application/pdf"
    assert read.headers["content-disposition"] == "attachment; filename*=UTF-8''Mein%20Ticket.pdf"
    assert read.headers["cache-control"] == "no-store"
    assert read.headers["x-content-type-options"] == "nosniff"
    assert read.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert set(reading.read(read.content).barcodes) == {CODE.encode(), b"the-second-page"}


async def test_one_page_is_a_picture_of_it(files: FileApi, market: Market) -> None:
    ticket = await files.a_ticket_with(pdf([CODE], ["the-second-page"]))

    second = await files.get(ticket, market.seller, page=2)

    assert (second.status_code, second.headers["content-type"]) == (200, "image/jpeg")
    assert Image.open(BytesIO(second.content)).format == "JPEG"
    assert reading.read(second.content).barcodes == (b"the-second-page",)
    assert (await files.get(ticket, market.seller, page=3)).status_code == 404


@pytest.mark.parametrize("page", MALFORMED)
async def test_a_malformed_page_is_refused(files: FileApi, market: Market, page: str) -> None:
    ticket = await files.a_ticket_with(png(CODE))

    path = f"/api/tickets/{ticket['id']}/file?page={page}"
    refused = await market.client.get(path, headers=signed_in(market.seller))

    assert codes_of(refused, 400) == {"page": "page-invalid"}


@pytest.mark.parametrize("content", [png(CODE), jpeg(CODE)], ids=["png", "jpeg"])
async def test_a_picture_is_kept_as_a_jpeg(files: FileApi, market: Market, content: bytes) -> None:
    ticket = await files.a_ticket_with(content)

    read = await files.get(ticket, market.seller)

    assert read.headers["content-type"] == "image/jpeg"
    assert read.headers["content-disposition"].endswith("My%20ticket.jpg")


async def test_a_file_is_a_change_of_the_ticket_and_of_its_delivery(
    files: FileApi, market: Market, stream: FakeStream
) -> None:
    ticket = await files.a_ticket_with(png(CODE))
    with_file = await market.shown(ticket)
    await files.delete(ticket)
    without = await market.shown(ticket)

    published = await emitted(stream, "ticket.updated", 2)
    assert [(event["version"], event["delivery"]) for event in published] == [(1, "file"), (2, None)]
    assert (with_file["version"], with_file["delivery"], with_file["file"]["pages"]) == (1, "file", 1)
    assert (without["version"], without["delivery"], without["file"]) == (2, "transfer", None)


async def test_an_edit_keeps_the_file(files: FileApi, market: Market, stream: FakeStream) -> None:
    ticket = await files.a_ticket_with(png(CODE))

    await market.put(ticket, {"title": "Opera", "price": 30})

    assert (await files.get(ticket, market.seller)).status_code == 200
    assert [event["delivery"] for event in await emitted(stream, "ticket.updated", 2)] == ["file", "file"]


async def test_a_second_file_replaces_the_first(files: FileApi, market: Market) -> None:
    ticket = await files.a_ticket_with(png(CODE))

    assert (await files.put(ticket, png("another-barcode"))).status_code == 200

    read = await files.get(ticket, market.seller)
    assert reading.read(read.content).barcodes == (b"another-barcode",)
    await files.a_ticket_with(png(CODE))


async def test_a_removal_is_idempotent_and_leaves_nothing(files: FileApi, market: Market) -> None:
    ticket = await files.a_ticket_with(png(CODE))

    for _ in range(2):
        assert (await files.delete(ticket)).status_code == 204

    assert (await files.get(ticket, market.seller)).status_code == 404


async def test_a_file_of_no_ticket_is_not_found(files: FileApi, market: Market) -> None:
    for ticket in ({"id": new_id()}, {"id": "x"}):
        answers = [
            await files.put(ticket, png(CODE)),
            await files.get(ticket, market.seller),
            await files.delete(ticket),
        ]

        assert [answer.status_code for answer in answers] == [404, 404, 404]


async def test_a_strangers_listing_gets_no_file(files: FileApi, market: Market) -> None:
    ticket, stranger = await market.a_ticket(), a_user()

    refused = await files.put(ticket, png(CODE), stranger)
    removed = await files.delete(ticket, stranger)

    assert (refused.status_code, removed.status_code) == (401, 401)


async def test_a_guest_is_refused_before_the_file_is_read(market: Market) -> None:
    ticket = await market.a_ticket()

    path = f"/api/tickets/{ticket['id']}/file"
    refused = await market.client.put(path, content=b"hello", headers={"Content-Type": "text/html"})

    assert code_of(refused, 401) == "not-authorized"


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "text/html", ""])
async def test_another_content_type_is_refused(files: FileApi, market: Market, kind: str) -> None:
    ticket = await market.a_ticket()

    refused = await files.put(ticket, png(CODE), kind=kind)

    assert code_of(refused, 400) == "content-type-invalid"


async def test_the_content_decides_about_the_type_and_not_its_name(files: FileApi, market: Market) -> None:
    ticket = await market.a_ticket()

    added = await files.put(ticket, png(CODE), name="ticket.pdf", kind="application/pdf")

    assert (added.json()["name"], added.json()["type"]) == ("ticket.jpg", "image/jpeg")


async def test_a_file_over_5_mb_is_refused(files: FileApi, market: Market) -> None:
    ticket = await market.a_ticket()

    refused = await files.put(ticket, b"%PDF-" + bytes(MAX_BYTES))

    assert code_of(refused, 413) == "body-too-large"


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (
            b"hello",
            "file-unreadable",
            "Send a PDF, PNG or JPEG that can be read, of at most 5 MB and 10 pages",
        ),
        (b"", "file-unreadable", "Send a PDF, PNG or JPEG that can be read, of at most 5 MB and 10 pages"),
        (
            pdf(*[[]] * 11),
            "file-too-many-pages",
            "The PDF has more than 10 pages: send the ticket's alone",
        ),
    ],
)
async def test_a_refused_file_says_why(
    files: FileApi, market: Market, content: bytes, code: str, message: str
) -> None:
    ticket = await market.a_ticket()

    refused = await files.put(ticket, content)

    assert (code_of(refused, 400), message_of(refused, 400)) == (code, message)
    assert (await market.shown(ticket))["version"] == 0


async def test_a_held_or_sold_listing_keeps_its_file(files: FileApi, market: Market) -> None:
    ticket = await files.a_ticket_with(png(CODE))
    order = Sale.of(ticket)
    for event in (order.created(), order.completed()):
        await deliver(market.stream, event)

        answers = [await files.put(ticket, png("another-barcode")), await files.delete(ticket)]

        assert {code_of(answer, 400) for answer in answers} == {"ticket-not-editable"}


# Who may read it, and when

PEOPLE = ("guest", "stranger", "other buyer", "earlier buyer", "buyer", "seller")
STATES = ("on sale", "held", "freed", "withdrawn", "sold", "delivered", "disputed", "accepted", "refunded")


async def _in_state(files: FileApi, state: str) -> tuple[dict[str, str], dict[str, CurrentUser | None]]:
    market = files.market
    ticket = await files.a_ticket_with(png(CODE))
    first, order = Sale.of(ticket), Sale.of(ticket)
    await deliver(market.stream, first.created(), first.cancelled())
    ends: dict[str, list[VersionedEvent]] = {
        "held": [order.created()],
        "freed": [order.created(), order.cancelled()],
        "sold": [order.created(), order.completed()],
        "delivered": [order.created(), order.completed(), order.delivered()],
        "disputed": [order.created(), order.completed(), order.delivered(), order.disputed()],
        "accepted": [order.created(), order.completed(), order.delivered(), order.accepted()],
        "refunded": [
            *(order.created(), order.completed(), order.delivered(), order.disputed()),
            order.refunded(),
        ],
    }
    await deliver(market.stream, *(ends.get(state, ())))
    if state == "withdrawn":
        await market.delete(ticket)
    other = Sale.of(await market.a_ticket())
    await deliver(market.stream, other.created(), other.completed())
    people = {
        "guest": None,
        "stranger": a_user(),
        "other buyer": other.buyer,
        "earlier buyer": first.buyer,
        "buyer": order.buyer,
        "seller": market.seller,
    }
    return ticket, people


@pytest.mark.parametrize("state", STATES)
async def test_a_file_is_its_sellers_and_its_buyers_until_the_refund(files: FileApi, state: str) -> None:
    ticket, people = await _in_state(files, state)
    to_buyer = state in ("sold", "delivered", "disputed", "accepted")

    seen = {
        who: (
            (await files.get(ticket, user)).status_code,
            (await files.get(ticket, user, page=1)).status_code,
        )
        for who, user in people.items()
    }

    hidden = 404 if state == "withdrawn" else 401
    expected = dict.fromkeys(PEOPLE, (hidden, hidden)) | {"guest": (401, 401), "seller": (200, 200)}
    assert seen == expected | ({"buyer": (200, 200)} if to_buyer else {})
    described = {who: (await _described(files, ticket, user)) for who, user in people.items()}
    assert {who for who, file in described.items() if file} <= {"seller", "buyer"}


async def _described(files: FileApi, ticket: dict[str, str], user: CurrentUser | None) -> object:
    headers = {} if user is None else signed_in(user)
    response = await files.market.client.get(f"/api/tickets/{ticket['id']}", headers=headers)
    return response.json().get("file")


async def test_a_buyer_of_a_listing_without_a_file_finds_none(files: FileApi, market: Market) -> None:
    ticket, order = await market.a_sold_ticket()

    assert (await files.get(ticket, order.buyer)).status_code == 404


# Barcodes


async def _refused_as_listed(response: httpx.Response) -> None:
    assert code_of(response, 400) == "ticket-already-listed"
    assert message_of(response, 400) == "This ticket is already listed"


@pytest.mark.parametrize("again", [png(CODE), jpeg(CODE), pdf([CODE]), pdf([], [CODE])])
async def test_a_barcode_is_on_one_listing(files: FileApi, market: Market, again: bytes) -> None:
    await files.a_ticket_with(png(CODE))
    other = await market.a_ticket()

    await _refused_as_listed(await files.put(other, again))

    assert (await market.shown(other))["delivery"] == "transfer"


async def test_a_listing_that_is_held_or_sold_has_its_barcode(files: FileApi, market: Market) -> None:
    ticket, other = await files.a_ticket_with(png(CODE)), await market.a_ticket()
    order = Sale.of(ticket)
    for event in (order.created(), order.completed(), order.delivered(), order.refunded(3)):
        await deliver(market.stream, event)

        await _refused_as_listed(await files.put(other, jpeg(CODE)))


async def test_a_withdrawn_listing_or_a_removed_file_frees_its_barcode(
    files: FileApi, market: Market
) -> None:
    first, second, third = [await market.a_ticket() for _ in range(3)]
    assert (await files.put(first, png(CODE))).status_code == 200
    await market.delete(first)
    assert (await files.put(second, png(CODE))).status_code == 200
    await _refused_as_listed(await market.relist(first))
    await files.delete(second)
    assert (await files.put(third, png(CODE))).status_code == 200


async def test_the_same_file_again_on_the_same_listing_is_fine(files: FileApi) -> None:
    ticket = await files.a_ticket_with(png(CODE))

    assert (await files.put(ticket, png(CODE))).status_code == 200


async def test_a_web_address_beside_the_barcode_is_no_barcode(files: FileApi, market: Market) -> None:
    """Every ticket of an organiser may show it."""
    address = "https://tickets.example/app"
    await files.a_ticket_with(pdf([address, "first-ticket"]))
    await files.a_ticket_with(pdf([address, "second-ticket"]))
    alone = await files.a_ticket_with(png(address))

    await _refused_as_listed(await files.put(await market.a_ticket(), png(address)))
    assert (await market.shown(alone))["delivery"] == "file"


async def test_a_hold_of_a_listing_whose_barcode_was_listed_again_meanwhile_stands(
    files: FileApi, market: Market
) -> None:
    """The order was placed a moment before the listing was withdrawn."""
    ticket = await files.a_ticket_with(png(CODE))
    await market.delete(ticket)
    await files.a_ticket_with(png(CODE))
    order = Sale.of(ticket)

    await deliver(market.stream, order.created(), order.completed())

    assert (await market.shown(ticket))["status"] == "sold"
    assert (await files.get(ticket, order.buyer)).status_code == 200


async def test_only_hashes_of_barcodes_are_stored(files: FileApi, database: Database) -> None:
    ticket = await files.a_ticket_with(png(CODE))

    stored = await database["tickets"].find_one({"_id": ticket["id"]})

    assert stored is not None
    (barcode,) = stored["barcodes"]
    assert len(bytes.fromhex(barcode)) == 32
    assert CODE not in str(stored)


async def test_a_deleted_sellers_files_go_with_what_no_order_has(
    files: FileApi, market: Market, stream: FakeStream, database: Database
) -> None:
    on_sale, withdrawn, held = [await files.a_ticket_with(png(code)) for code in ("one", "two", "three")]
    await market.delete(withdrawn)
    order = Sale.of(held)
    await deliver(stream, order.created())

    await deliver(stream, UserDeleted(id=market.seller.id, version=1))

    kept = {ticket["_id"]: ticket.get("file") is not None for ticket in await database["tickets"].find({})}
    assert kept == {on_sale["id"]: False, withdrawn["id"]: False, held["id"]: True}
