"""A file's pages and barcodes, as a worker reads them."""

from io import BytesIO

import pypdfium2  # type: ignore[import-untyped]  # it has no stubs
import pytest
from PIL import Image

from tests.files.builders import barcode, encoded, jpeg, pdf, png, sheet
from tests.files.hostile import hostile_jpegs, named
from tickets.files import reading
from tickets.files.documents import stored_form
from tickets.files.limits import MAX_EDGE
from tickets.files.protocol import Kind, Refusal, decoded
from tickets.files.protocol import encoded as on_the_wire

CODE = "GX-2031-000417"


def camera(page: Image.Image) -> bytes:
    """A photograph that lies on its side, with the place where it was taken."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 8.0, 14.0), 3: "E", 4: (11.0, 34.0, 31.0)})
    return encoded(page.rotate(90, expand=True), "JPEG", exif=exif)


def variants() -> dict[str, bytes]:
    page = sheet(CODE)
    return {
        "png": png(CODE),
        "jpeg": jpeg(CODE),
        "pdf": pdf([CODE]),
        "smaller": encoded(page.resize((600, 848)), "PNG"),
        "larger": encoded(page.resize((3000, 4243)), "JPEG"),
        "askew": encoded(page.rotate(11, expand=True, fillcolor="white"), "JPEG", quality=60),
        "upside down": encoded(page.rotate(180), "PNG"),
        "from a camera": camera(page),
        "greys": encoded(page.convert("L"), "PNG"),
        "a palette": encoded(page.convert("P"), "PNG"),
        "transparent": encoded(page.convert("RGBA"), "PNG"),
        "inks": encoded(page.convert("CMYK"), "JPEG"),
    }


@pytest.mark.parametrize("name", variants())
def test_the_same_barcode_is_read_from_every_form_of_the_ticket(name: str) -> None:
    assert reading.read(variants()[name]).barcodes == (CODE.encode(),)


@pytest.mark.parametrize("kind", ["QRCode", "Aztec", "DataMatrix", "PDF417", "Code128"])
def test_every_kind_of_barcode_of_tickets_is_read(kind: str) -> None:
    page = Image.new("RGB", (1000, 600), "white")
    page.paste(barcode(CODE, kind, scale=2), (40, 40))

    assert reading.read(encoded(page, "PNG")).barcodes == (CODE.encode(),)


def test_all_barcodes_of_all_pages_are_read_each_once() -> None:
    found = reading.read(pdf(["ticket-one", "ticket-two"], ["ticket-two", "ticket-three"]))

    assert set(found.barcodes) == {b"ticket-one", b"ticket-two", b"ticket-three"}
    assert len(found.pictures) == 2


def test_what_is_stored_can_be_scanned_at_the_door() -> None:
    for content in (png(CODE), pdf([CODE])):
        stored = stored_form(reading.read(content))

        assert reading.read(stored.content).barcodes == (CODE.encode(),)


def test_a_stored_pdf_is_one_that_a_reader_opens_with_the_pictures_at_their_places() -> None:
    stored = stored_form(reading.read(pdf(["page-one"], ["page-two"])))

    opened = pypdfium2.PdfDocument(stored.content)
    assert (stored.type, len(opened)) == ("application/pdf", 2)
    assert opened[0].get_size() == pytest.approx((595, 842), abs=1)
    for page, code in zip(stored.pages, (b"page-one", b"page-two"), strict=True):
        picture = stored.content[page.start : page.start + page.length]
        assert reading.read(picture).barcodes == (code,)
        assert Image.open(BytesIO(picture)).size == (page.width, page.height)


def test_a_cameras_place_is_gone_and_the_picture_stands_upright() -> None:
    stored = stored_form(reading.read(camera(sheet(CODE))))

    picture = Image.open(BytesIO(stored.content))
    assert not picture.getexif()
    assert picture.height > picture.width
    assert b"Exif" not in stored.content


def test_a_comment_of_the_upload_is_gone() -> None:
    (picture,) = reading.read(named("jpeg with a page of the web inside", hostile_jpegs())).pictures

    assert b"<script" not in picture.content


def test_a_picture_is_stored_at_most_so_long() -> None:
    (picture,) = reading.read(encoded(Image.new("RGB", (5000, 5000), "red"), "PNG")).pictures

    assert (picture.width, picture.height) == (MAX_EDGE, MAX_EDGE)


def test_a_short_barcode_names_no_ticket() -> None:
    assert reading.read(png("12345")).barcodes == ()


@pytest.mark.parametrize("content", [b"", b"hello", b"GIF89a", b"<svg/>", b"\x89PNG", b" %PDF-1.4"])
def test_another_type_is_refused(content: bytes) -> None:
    with pytest.raises(reading.Refused) as refused:
        reading.read(content)

    assert refused.value.reason is Refusal.UNREADABLE


def test_an_answer_survives_the_way_between_the_processes() -> None:
    answer = reading.read(pdf([CODE], []))

    assert decoded(on_the_wire(answer)) == answer
    assert decoded(on_the_wire(Refusal.PAGES)) is Refusal.PAGES
    assert answer.kind is Kind.PDF


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"not json\n",
        b'{"refusal": "other"}\n',
        b'{"kind": "image/png", "pictures": [[1, 1, 4]], "barcodes": []}\n<svg',
        b'{"kind": "image/png", "pictures": [[100000, 1, 3]], "barcodes": []}\n\xff\xd8\xff',
        b'{"kind": "text/html", "pictures": [], "barcodes": []}\n',
    ],
)
def test_an_answer_that_no_worker_of_ours_gives_is_refused(answer: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        decoded(answer)
