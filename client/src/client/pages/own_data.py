"""A member's own data, as one file."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import orjson
from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from client.api import Api, Apis
from client.schemas import ExportPage
from client.sign_in import Member
from common.http.rendering import JSON

router = APIRouter(include_in_schema=False)

SERVICES: Mapping[str, str] = {
    "account": "users",
    "listings": "tickets",
    "orders": "orders",
    "payments": "payments",
}
"""Parts of the file, and the API of each."""
HEADERS = {"Content-Disposition": 'attachment; filename="gittix-data.json"', "Cache-Control": "no-store"}


@router.get("/account/data")
async def download(_user: Member, api: Apis) -> Response:
    """Each API has answered once before the file begins, so that an outage or a refusal is a page.

    A later failure ends the connection without the end of the file: browsers say that the download failed.
    """
    firsts = await asyncio.gather(*(api.export(service, "") for service in SERVICES.values()))
    file = _file(api, dict(zip(SERVICES, firsts, strict=True)))
    return StreamingResponse(file, media_type=JSON, headers=HEADERS)


async def _file(api: Api, firsts: Mapping[str, ExportPage]) -> AsyncIterator[bytes]:
    """One JSON object, a page in memory at a time. `complete` is its last word."""
    for number, (part, first) in enumerate(firsts.items()):
        yield b"%s\n%s: [" % (b"," if number else b"{", orjson.dumps(part))
        separator = b"\n"
        async for page in _pages(api, SERVICES[part], first):
            for record in page.records:
                yield separator + orjson.dumps(record)
                separator = b",\n"
        yield b"\n]"
    yield b',\n"complete": true}\n'


async def _pages(api: Api, service: str, page: ExportPage) -> AsyncIterator[ExportPage]:
    yield page
    while page.next is not None:
        page = await api.export(service, page.next)
        yield page
