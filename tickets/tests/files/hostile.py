# ruff: noqa: E501
"""Hostile uploads, made here: each must be refused, or kept as harmless pictures, within bounds."""

import random
import struct
import zipfile
import zlib
from collections.abc import Iterator
from functools import cache
from io import BytesIO

from PIL import Image

from tests.files.builders import encoded, jpeg, pdf, png, sheet

MANY = 200_000


def raw_pdf(*objects: bytes, trailer: bytes = b"", root: bytes = b"/Root 1 0 R") -> bytes:
    """Objects 1, 2, … with a table of their places."""
    content, starts = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        starts.append(len(content))
        content += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    at = len(content)
    content += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    content += b"".join(b"%010d 00000 n \n" % start for start in starts)
    content += b"trailer\n<< /Size %d %b %b >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        root,
        trailer,
        at,
    )
    return bytes(content)


def stream(content: bytes, fields: bytes = b"") -> bytes:
    return b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(content), fields, content)


def deflated(content: bytes, fields: bytes = b"") -> bytes:
    return stream(zlib.compress(content, 9), b"/Filter /FlateDecode " + fields)


CATALOGUE = b"<< /Type /Catalog /Pages 2 0 R %b >>"
PAGES = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [%b] /Contents 4 0 R /Resources << %b >> %b >>"


def one_page(
    drawing: bytes = b"",
    *others: bytes,
    box: bytes = b"0 0 200 300",
    resources: bytes = b"",
    page: bytes = b"",
    catalogue: bytes = b"",
) -> bytes:
    """A PDF of one page, whose drawing is object 4. others: Objects from 5 on."""
    drawing = drawing if drawing.startswith(b"<<") else stream(drawing)
    return raw_pdf(CATALOGUE % catalogue, PAGES, PAGE % (box, resources, page), drawing, *others)


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def raw_png(
    width: int,
    height: int,
    content: bytes,
    *more: bytes,
    depth: int = 8,
    colour: int = 0,
    interlaced: int = 0,
) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + b"".join(more)
        + chunk(b"IDAT", content)
        + chunk(b"IEND", b"")
    )


@cache
def zeros(length: int) -> bytes:
    """Deflated, a thousandth of it."""
    packer = zlib.compressobj(9)
    block = bytes(1 << 20)
    packed = b"".join(packer.compress(block) for _ in range(length >> 20))
    return packed + packer.flush()


def pages_of_pdfs() -> Iterator[tuple[str, bytes]]:
    one = PAGE % (b"0 0 9 9", b"", b"")
    for count in (11, 2_000):
        kids = b" ".join(b"%d 0 R" % (3 + n) for n in range(count))
        tree = b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, count)
        yield f"pdf of {count} pages", raw_pdf(CATALOGUE % b"", tree, *[one] * count)
    lie = b"<< /Type /Pages /Kids [3 0 R] /Count 2147483647 >>"
    yield "pdf that claims two billion pages", raw_pdf(CATALOGUE % b"", lie, one, stream(b""))
    loop = b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>"
    yield "pdf whose pages hold themselves", raw_pdf(CATALOGUE % b"", loop)
    deep = [
        b"<< /Type /Pages /Parent %d 0 R /Kids [%d 0 R] /Count 1 >>" % (n - 1, n + 1) for n in range(3, 5000)
    ]
    top = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
    yield "pdf with pages 5,000 deep", raw_pdf(CATALOGUE % b"", top, *deep, one)
    yield "pdf without a page", raw_pdf(CATALOGUE % b"", b"<< /Type /Pages /Kids [] /Count 0 >>")
    for name, box in {
        "as large as a city": b"0 0 1e9 1e9",
        "without a size": b"0 0 0 0",
        "turned inside out": b"900 900 -900 -900",
        "thin as a hair": b"0 0 1 14400000",
        "of no number": b"0 0 nan inf",
        "of numbers too large": b"0 0 " + b"9" * 400 + b" 1",
    }.items():
        yield f"pdf page {name}", one_page(b"0 0 9 9 re f", box=box)
    unit = one_page(b"0 0 9 9 re f", page=b"/UserUnit 1e30")
    yield "pdf page with a huge unit", unit


def drawings_of_pdfs() -> Iterator[tuple[str, bytes]]:
    tiles = b"/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 1 1] /XStep 0.0001 /YStep 0.0001"
    fill = b"/Pattern cs /P scn 0 0 200 300 re f"
    tile = stream(b"0 0 1 1 re f", tiles + b" /Resources << >>")
    yield "pdf of endless tiles", one_page(fill, tile, resources=b"/Pattern << /P 5 0 R >>")
    yield "pdf drawing of a gigabyte", one_page(stream(zeros(1 << 30), b"/Filter /FlateDecode"))
    twice = zlib.compress(zeros(1 << 30), 9)
    yield "pdf drawing deflated twice", one_page(stream(twice, b"/Filter [/FlateDecode /FlateDecode]"))
    yield "pdf with a state saved a million times", one_page(deflated(b"q " * 1_000_000))
    yield "pdf with arrays a million deep", one_page(deflated(b"[" * 1_000_000))
    yield "pdf catalogue with arrays 200,000 deep", one_page(catalogue=b"/A " + b"[" * MANY)
    strokes = b"".join(b"%d 0 m %d 300 l S " % (n % 200, n * 7 % 200) for n in range(MANY))
    yield "pdf of 200,000 lines", one_page(deflated(strokes))
    curves = b"20 w [1 1] 0 d " + b"0 0 m 900 900 -900 900 200 300 c S " * MANY
    yield "pdf of 200,000 dashed curves", one_page(deflated(curves))
    form = b"/Type /XObject /Subtype /Form /BBox [0 0 200 300] /Resources << /XObject << /F %d 0 R >> >>"
    drawn = b"/XObject << /F 5 0 R >>"
    yield "pdf form that draws itself", one_page(b"/F Do", stream(b"/F Do", form % 5), resources=drawn)
    laughs = [stream(b"/F Do " * 10, form % (6 + n)) for n in range(20)]
    last = stream(b"0 0 9 9 re f", form % 4)
    yield "pdf of ten to the twenty forms", one_page(b"/F Do", *laughs, last, resources=drawn)
    mask = stream(b"/G gs 0 0 99 99 re f", form % 5 + b" /Group << /S /Transparency >>")
    state = b"<< /SMask << /S /Luminosity /G 5 0 R >> >>"
    masked = b"/ExtGState << /G 6 0 R >>"
    yield "pdf mask of itself", one_page(b"/G gs 0 0 99 99 re f", mask, state, resources=masked)
    font = b"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 1 1] /FontMatrix [1 0 0 1 0 0] /FirstChar 65 /LastChar 65"
    font += b" /Widths [1] /Encoding << /Differences [65 /a] >> /CharProcs << /a 6 0 R >> /Resources << /Font << /T 5 0 R >> >> >>"
    text = b"BT /T 9 Tf (A) Tj ET"
    yield "pdf font that writes itself", one_page(text, font, stream(text), resources=b"/Font << /T 5 0 R >>")


def pictures_in_pdfs() -> Iterator[tuple[str, bytes]]:
    image = b"/Type /XObject /Subtype /Image /Width %d /Height %d /BitsPerComponent 8 /ColorSpace /DeviceRGB"
    drawn, shown = b"200 0 0 300 0 0 cm /I Do", b"/XObject << /I 5 0 R >>"
    for name, width, height in (("huge", 100_000, 100_000), ("negative", -5, -5), ("beyond", 2**31, 2**31)):
        large = stream(zeros(1 << 26), b"/Filter /FlateDecode " + image % (width, height))
        yield f"pdf picture {name}", one_page(drawn, large, resources=shown)
    real = stream(zeros(1_200 << 20), b"/Filter /FlateDecode " + image % (20_000, 20_000))
    yield "pdf picture of 400 million pixels", one_page(drawn, real, resources=shown)
    noise = random.Random(1).randbytes(200_000)
    for decoder in (
        b"DCTDecode",
        b"JPXDecode",
        b"JBIG2Decode",
        b"CCITTFaxDecode",
        b"LZWDecode",
        b"RunLengthDecode",
    ):
        broken = stream(noise, b"/Filter /%b " % decoder + image % (3_000, 3_000))
        yield f"pdf picture of noise by {decoder.decode()}", one_page(drawn, broken, resources=shown)


def scripts_in_pdfs() -> Iterator[tuple[str, bytes]]:
    script = b"<< /S /JavaScript /JS (app.alert\\(1\\); while\\(1\\);) >>"
    yield "pdf with a script at its opening", one_page(catalogue=b"/OpenAction " + script)
    yield "pdf with scripts of its page", one_page(page=b"/AA << /O %b /C %b >>" % (script, script))
    launch = b"/OpenAction << /S /Launch /F (cmd.exe) >>"
    yield "pdf that starts a program", one_page(catalogue=launch)
    link = b"/Annots [<< /Type /Annot /Subtype /Link /Rect [0 0 99 99] /A << /S /URI /URI (http://evil.test) >> >>]"
    yield "pdf with a link", one_page(page=link)
    names = b"/Names << /EmbeddedFiles << /Names [(a.exe) << /Type /Filespec /F (a.exe) /EF << /F 5 0 R >> >>] >> >>"
    yield "pdf with a program inside", one_page(b"", stream(b"MZ" * 99), catalogue=names)
    yield "pdf of XFA forms", one_page(b"", stream(b"<xdp/>"), catalogue=b"/AcroForm << /XFA 5 0 R >>")


def structures_of_pdfs() -> Iterator[tuple[str, bytes]]:
    whole = pdf(["a ticket"])
    yield "pdf cut off", whole[: len(whole) // 2]
    yield "pdf of noise", b"%PDF-1.7\n" + random.Random(2).randbytes(5_000_000)
    yield "pdf with tables in a circle", one_page().replace(b"/Size 5", b"/Size 5 /Prev 9")
    yield "pdf without a table", one_page().partition(b"xref")[0]
    key = b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O (%b) /U (%b) >> /ID [(a) (a)]" % (
        b"o" * 32,
        b"u" * 32,
    )
    yield (
        "pdf with a password",
        raw_pdf(CATALOGUE % b"", PAGES, PAGE % (b"0 0 9 9", b"", b""), stream(b""), trailer=key),
    )
    chain = [b"%d 0 R" % (n + 1) for n in range(3, 5_000)]
    yield "pdf of references to references", raw_pdf(CATALOGUE % b"", b"3 0 R", *chain, b"2 0 R")
    inner = deflated(b" ".join(b"%d 0" % n for n in range(MANY)), b"/Type /ObjStm /N 200000 /First 9")
    yield "pdf of nested objects", raw_pdf(CATALOGUE % b"", PAGES, PAGE % (b"0 0 9 9", b"", b""), inner)


def hostile_pngs() -> Iterator[tuple[str, bytes]]:
    yield "png of 2.5 billion pixels", raw_png(50_000, 50_000, zeros(1 << 20))
    yield "png of 2^31 pixels a side", raw_png(2**31 - 1, 2**31 - 1, b"")
    yield "png of no pixel", raw_png(0, 0, zlib.compress(b""))
    yield "png with a gigabyte for one pixel", raw_png(1, 1, zeros(1 << 30))
    yield (
        "png at the limit, deep and interlaced",
        raw_png(5_000, 5_000, zeros(201 << 20), depth=16, colour=6, interlaced=1),
    )
    text = chunk(b"zTXt", b"a\0\0" + zeros(1 << 29))
    yield "png with a text of half a gigabyte", raw_png(1, 1, zlib.compress(b"\0\0"), text)
    profile = chunk(b"iCCP", b"a\0\0" + zeros(1 << 29))
    yield "png with a profile of half a gigabyte", raw_png(1, 1, zlib.compress(b"\0\0"), profile)
    yield "png of 100,000 chunks", raw_png(1, 1, zlib.compress(b"\0\0"), *[chunk(b"tEXt", b"a\0b")] * 100_000)
    frames = [Image.new("RGB", (500, 500), (n, 0, 0)) for n in range(200)]
    yield "png of 200 frames", encoded(frames[0], "PNG", save_all=True, append_images=frames[1:])
    yield "png cut off", png("a ticket")[:-2_000]
    yield "png of noise", b"\x89PNG\r\n\x1a\n" + random.Random(3).randbytes(5_000_000)
    yield "png with a wrong sum", png("a ticket").replace(b"IDAT", b"IDAU", 1)


def hostile_jpegs() -> Iterator[tuple[str, bytes]]:
    whole = jpeg("a ticket")
    at = whole.index(b"\xff\xc0") + 5
    yield "jpeg that claims 65,535 pixels a side", whole[:at] + b"\xff\xff\xff\xff" + whole[at + 4 :]
    yield "jpeg cut off", whole[: len(whole) // 2]
    noise = Image.effect_noise((5_000, 5_000), 80)
    yield "jpeg of noise at the limit", encoded(noise, "JPEG", quality=12, progressive=True)
    scan = encoded(Image.new("L", (5_000, 5_000)), "JPEG", progressive=True)
    first = scan.index(b"\xff\xda")
    last = scan[first : scan.rindex(b"\xff\xd9")]
    yield "jpeg of 200 passes", scan[:first] + last * 20 + b"\xff\xd9"
    yield "jpeg of noise alone", b"\xff\xd8\xff" + random.Random(4).randbytes(5_000_000)
    exif = b"Exif\0\0" + b"MM\0*\0\0\0\x08" + b"\xff" * 60_000
    app1 = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    yield "jpeg with a broken place", whole[:2] + app1 + whole[2:]
    comment = b"<script>alert(1)</script>"
    marked = b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment
    yield "jpeg with a page of the web inside", whole[:2] + marked + whole[2:]


def polyglots() -> Iterator[tuple[str, bytes]]:
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("evil.js", "alert(1)")
    yield "jpeg that is an archive, too", jpeg("a ticket") + archive.getvalue()
    yield "png that is an archive, too", png("a ticket") + archive.getvalue()
    yield "pdf that is a page of the web, too", pdf(["a ticket"]) + b"<script>alert(1)</script>"
    yield "pdf behind a picture", jpeg("a ticket") + pdf(["another one"])
    yield "picture behind a pdf's first line", b"%PDF-1.7\n" + jpeg("a ticket")


def other_types() -> Iterator[tuple[str, bytes]]:
    page = sheet("a ticket")
    for kind in ("GIF", "BMP", "TIFF", "WEBP", "ICO", "PPM", "EPS"):
        yield kind.lower(), encoded(page.resize((60, 80)), kind)
    yield "program", b"MZ" + bytes(1_000)
    yield "page of the web", b"<!doctype html><script>alert(1)</script>"
    yield "vector picture", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
    yield "nothing", b""
    yield "one byte", b"%"


def named(name: str, source: Iterator[tuple[str, bytes]]) -> bytes:
    return next(content for each, content in source if each == name)


def uploads() -> Iterator[tuple[str, bytes]]:
    for source in (
        *(pages_of_pdfs, drawings_of_pdfs, pictures_in_pdfs, scripts_in_pdfs, structures_of_pdfs),
        *(hostile_pngs, hostile_jpegs, polyglots, other_types),
    ):
        yield from source()
