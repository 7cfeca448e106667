"""Tickets as files, made here: pictures and PDFs with barcodes."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import httpx
import zxingcpp
from PIL import Image

from common.base.identity import CurrentUser
from common.testing.browser import signed_in
from tests.builders import Json, Market

A4 = (744, 1052)
"""90 dots an inch."""


def barcode(text: str, kind: str = "QRCode", scale: int = 4) -> Image.Image:
    made = zxingcpp.create_barcode(text, zxingcpp.barcode_format_from_str(kind))
    pixels = memoryview(made.to_image(scale=scale))  # type: ignore[arg-type]  # it is a buffer
    height, width = pixels.shape  # type: ignore[misc]  # of two dimensions
    return Image.frombytes("L", (width, height), bytes(pixels))


def sheet(*texts: str, kind: str = "QRCode") -> Image.Image:
    """A page with the barcodes below each other."""
    page = Image.new("RGB", A4, "white")
    for row, text in enumerate(texts):
        page.paste(barcode(text, kind), (60, 60 + 240 * row))
    return page


def encoded(page: Image.Image, kind: str, **options: object) -> bytes:
    target = BytesIO()
    page.save(target, kind, **options)
    return target.getvalue()


def png(*texts: str) -> bytes:
    return encoded(sheet(*texts), "PNG")


def jpeg(*texts: str) -> bytes:
    return encoded(sheet(*texts), "JPEG")


def pdf(*pages: Sequence[str]) -> bytes:
    """A page with each of the lists' barcodes."""
    first, *others = (sheet(*texts) for texts in pages)
    return encoded(first, "PDF", resolution=90, save_all=True, append_images=others)


@dataclass(frozen=True)
class FileApi:
    """The API of a listing's file, as its users call it."""

    market: Market

    async def put(
        self,
        ticket: Json,
        content: bytes,
        user: CurrentUser | None = None,
        name: str = "My ticket.pdf",
        kind: str = "application/octet-stream",
    ) -> httpx.Response:
        headers = signed_in(user or self.market.seller) | {"Content-Type": kind}
        return await self.market.client.put(
            _path(ticket), params={"name": name}, content=content, headers=headers
        )

    async def get(
        self, ticket: Json, user: CurrentUser | None = None, page: int | None = None
    ) -> httpx.Response:
        """user: None for a guest."""
        headers = {} if user is None else signed_in(user)
        query = {} if page is None else {"page": page}
        return await self.market.client.get(_path(ticket), params=query, headers=headers)

    async def delete(self, ticket: Json, user: CurrentUser | None = None) -> httpx.Response:
        headers = signed_in(user or self.market.seller)
        return await self.market.client.delete(_path(ticket), headers=headers)

    async def a_ticket_with(self, content: bytes) -> Json:
        ticket = await self.market.a_ticket()
        response = await self.put(ticket, content)
        assert response.status_code == 200, response.text
        return ticket


def _path(ticket: Json) -> str:
    return f"/api/tickets/{ticket['id']}/file"
