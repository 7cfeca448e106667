"""A file's pages as pictures, and its barcodes. Runs in the worker process alone.

A PDF is drawn, and a picture decoded and encoded again: nothing of the upload's own bytes is kept. So
scripts, links, embedded files, a camera's place and bytes of a second format are gone.
"""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import pypdfium2  # type: ignore[import-untyped]  # it has no stubs
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]
import zxingcpp
from PIL import Image, ImageOps

from tickets.files.limits import MAX_BARCODES, MAX_EDGE, MAX_PAGES, MAX_PIXELS
from tickets.files.protocol import Kind, Picture, Reading, Refusal

FORMATS = zxingcpp.barcode_formats_from_str(
    "QRCode,MicroQRCode,RMQRCode,Aztec,DataMatrix,PDF417,Code128,Code39,Code93,ITF,EAN13,DataBar"
)
SHORTEST = 6
"""Bytes of a barcode that counts: a shorter one names no ticket, and noise can look like one."""
QUALITY = 88
POINTS_AN_INCH = 72
DOTS_AN_INCH = 300

_SIGNATURES = {b"%PDF-": Kind.PDF, b"\x89PNG\r\n\x1a\n": Kind.PNG, b"\xff\xd8\xff": Kind.JPEG}


@dataclass(frozen=True, slots=True)
class Refused(Exception):
    reason: Refusal


def kind_of(content: bytes) -> Kind:
    """The type by its first bytes. Raises Refused for another one."""
    for signature, kind in _SIGNATURES.items():
        if content.startswith(signature):
            return kind
    raise Refused(Refusal.UNREADABLE)


def read(content: bytes) -> Reading:
    """Raises Refused, and MemoryError."""
    kind = kind_of(content)
    pages = _pdf_pages(content) if kind is Kind.PDF else iter([_picture(content, kind)])
    pictures, barcodes = [], set[bytes]()
    for page in pages:
        # A barcode that can't be read from the stored picture can't be scanned at the door either.
        page.thumbnail((MAX_EDGE, MAX_EDGE), Image.Resampling.LANCZOS)
        barcodes |= _barcodes(page)
        pictures.append(_stored(page))
    return Reading(kind, tuple(pictures), tuple(sorted(barcodes))[:MAX_BARCODES])


def _picture(content: bytes, kind: Kind) -> Image.Image:
    try:
        # The other decoders of the library are never asked.
        with Image.open(BytesIO(content), formats=[kind.name]) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise Refused(Refusal.PIXELS)
            return _flat(ImageOps.exif_transpose(opened))
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError):
        raise Refused(Refusal.UNREADABLE) from None


def _flat(picture: Image.Image) -> Image.Image:
    """In RGB or greys, on white where it is transparent."""
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGB", picture.size, "white")
        white.paste(picture, mask=picture.getchannel("A"))
        return white
    return picture.convert("L" if picture.mode in ("1", "L", "I;16") else "RGB")


def _pdf_pages(content: bytes) -> Iterator[Image.Image]:
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        is_protected = error.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY)
        raise Refused(Refusal.PROTECTED if is_protected else Refusal.UNREADABLE) from None
    if not 0 < len(document) <= MAX_PAGES:
        raise Refused(Refusal.PAGES if len(document) else Refusal.UNREADABLE)
    for number in range(len(document)):
        try:
            yield _drawn(document[number])
        except (pypdfium2.PdfiumError, ValueError, ctypes.ArgumentError):
            raise Refused(Refusal.UNREADABLE) from None


def _drawn(page: pypdfium2.PdfPage) -> Image.Image:
    """The page in greys or colours, at most MAX_EDGE pixels long and DOTS_AN_INCH dense."""
    longest = max(page.get_size())
    if not 0 < longest < float("inf"):
        raise Refused(Refusal.UNREADABLE)
    scale = min(DOTS_AN_INCH / POINTS_AN_INCH, MAX_EDGE / longest)
    drawn: Image.Image = page.render(scale=scale, rev_byteorder=True).to_pil()
    return drawn.convert("RGB")


def _barcodes(page: Image.Image) -> set[bytes]:
    found = zxingcpp.read_barcodes(page.convert("L"), formats=FORMATS)
    return {bytes(barcode.bytes) for barcode in found if len(barcode.bytes) >= SHORTEST}


def _stored(page: Image.Image) -> Picture:
    # Pillow would write a comment of the upload again.
    page.info.clear()
    stored = BytesIO()
    # Not `optimize`: its buffer is too small for a picture of noise, which then can't be written.
    page.save(stored, "JPEG", quality=QUALITY, subsampling=0)
    return Picture(page.width, page.height, stored.getvalue())
