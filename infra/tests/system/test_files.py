"""The ticket itself, from its seller's form to its buyer's page: on real servers, through the edge."""

import struct
import zlib
from io import BytesIO

import aiohttp
import pytest

from infra.actors.person import Person
from infra.verify.target import Target

pytestmark = pytest.mark.connected

SIDE = 900


def noise() -> bytes:
    """A PNG of more bytes than any other body may have."""
    colours = (struct.pack(">I", row * 2_654_435_761 % 2**32) for row in range(SIDE))
    rows = b"".join(b"\0" + colour * (SIDE * 3 // 4) for colour in colours)
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


async def test_the_file_of_a_listing_reaches_its_buyer_alone(
    target: Target, seller: Person, buyer: Person
) -> None:
    ticket = await seller.sell()
    form = aiohttp.FormData()
    form.add_field("file", BytesIO(noise()), filename="mine.png", content_type="image/png")

    async with aiohttp.ClientSession(target.url("edge")) as http:
        path = f"/tickets/{ticket}/file"
        async with http.post(path, data=form, headers=seller.headers, allow_redirects=False) as sent:
            assert sent.status == 303, await sent.text()
        assert (await buyer.call("GET", f"/api/tickets/{ticket}/file"))[0] == 401
        order = await buyer.buy(ticket)
        assert (await buyer.pay(order))[0] == 201
        await buyer.see(f"/api/tickets/{ticket}", lambda seen: seen["status"] == "sold")

        async with http.get(f"/orders/{order}/ticket/1", headers=buyer.headers) as picture:
            assert (picture.status, picture.content_type) == (200, "image/jpeg")
            assert (await picture.read()).startswith(b"\xff\xd8\xff")
