"""The stored form of a file: the picture itself, or a PDF made of the pictures of its pages.

Each page's picture is a part of the stored bytes, unchanged, so that one page can be shown from its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tickets.files.protocol import Kind, Picture, Reading
from tickets.files.record import Page

DOTS_AN_INCH = 200
"""Size of a page on paper: an A4 page that was drawn at full size is A4 again."""
_POINTS_AN_INCH = 72


@dataclass(frozen=True, slots=True)
class StoredFile:
    """type: Of the content: `application/pdf` or `image/jpeg`."""

    type: str
    content: bytes
    pages: tuple[Page, ...]


def stored_form(reading: Reading) -> StoredFile:
    """A picture becomes a JPEG, also one that came as a PNG."""
    if reading.kind is Kind.PDF:
        return _pdf(reading.pictures)
    (picture,) = reading.pictures
    page = Page(0, len(picture.content), picture.width, picture.height)
    return StoredFile(Kind.JPEG.value, picture.content, (page,))


def _pdf(pictures: Sequence[Picture]) -> StoredFile:
    """PDF 1.4 (ISO 32000): a catalogue, the pages, and of each page its dictionary, drawing and JPEG."""
    file = _PdfFile()
    numbers = [3 + 3 * index for index in range(len(pictures))]
    file.add(b"<< /Type /Catalog /Pages 2 0 R >>")
    kids = b" ".join(b"%d 0 R" % number for number in numbers)
    file.add(b"<< /Type /Pages /Count %d /Kids [%b] >>" % (len(numbers), kids))
    pages = []
    for number, picture in zip(numbers, pictures, strict=True):
        width, height = (side * _POINTS_AN_INCH / DOTS_AN_INCH for side in (picture.width, picture.height))
        file.add(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %.2f %.2f] /Contents %d 0 R"
            b" /Resources << /XObject << /P %d 0 R >> >> >>" % (width, height, number + 1, number + 2)
        )
        file.stream(b"", b"q %.2f 0 0 %.2f 0 0 cm /P Do Q" % (width, height))
        start = file.stream(_image(picture), picture.content)
        pages.append(Page(start, len(picture.content), picture.width, picture.height))
    return StoredFile(Kind.PDF.value, file.ended(), tuple(pages))


def _image(picture: Picture) -> bytes:
    return (
        b" /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceRGB"
        b" /BitsPerComponent 8 /Filter /DCTDecode" % (picture.width, picture.height)
    )


class _PdfFile:
    def __init__(self) -> None:
        self._content = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
        self._starts: list[int] = []

    def add(self, body: bytes) -> None:
        self._starts.append(len(self._content))
        self._content += b"%d 0 obj\n%b\nendobj\n" % (len(self._starts), body)

    def stream(self, fields: bytes, content: bytes) -> int:
        """Returns the place of the content."""
        head = b"<< /Length %d%b >>\nstream\n" % (len(content), fields)
        number = len(self._starts) + 1
        start = len(self._content) + len(b"%d 0 obj\n" % number) + len(head)
        self.add(head + content + b"\nendstream")
        return start

    def ended(self) -> bytes:
        at, size = len(self._content), len(self._starts) + 1
        places = b"".join(b"%010d 00000 n \n" % start for start in self._starts)
        self._content += b"xref\n0 %d\n0000000000 65535 f \n%b" % (size, places)
        self._content += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, at)
        return bytes(self._content)
