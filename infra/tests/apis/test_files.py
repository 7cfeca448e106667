"""The file of a listing, over the tickets service and over client's fake of it."""

from base64 import b64decode

import pytest
from tests.apis.shop import Shop

from client.uploads import FileApi, Upload
from common.base.errors import BadRequest
from common.contract.error_codes import ErrorCode

PNG = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mP4DwABAQEAG7buVgAAAABJRU5ErkJggg=="
)


async def test_a_seller_adds_and_removes_the_file_of_a_listing(shop: Shop) -> None:
    ticket = await shop.lists()
    files = FileApi(shop.sellers._upstream)

    await files.put(ticket.id, Upload("Mine.png", PNG))
    added = await shop.sellers.ticket(ticket.id)
    shown = await files.shown(ticket.id, 1)
    await files.remove(ticket.id)

    assert added.file is not None
    assert (added.file.name, added.file.type, added.file.pages) == ("Mine.jpg", "image/jpeg", 1)
    assert shown.headers["content-type"] == "image/jpeg"
    assert (await shop.sellers.ticket(ticket.id)).file is None
    assert (await shop.visitors.ticket(ticket.id)).file is None


async def test_what_is_no_ticket_is_refused(shop: Shop) -> None:
    ticket = await shop.lists()

    with pytest.raises(BadRequest) as refused:
        await FileApi(shop.sellers._upstream).put(ticket.id, Upload("a.pdf", b"hello"))

    assert refused.value.code == ErrorCode.FILE_UNREADABLE
