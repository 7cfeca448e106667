"""Addresses that programs ask for by themselves: robots.txt, the site map, the site's icons."""

from xml.sax.saxutils import escape

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from client.api import Apis
from client.assets import Assets
from client.public_address import absolute
from client.sitemap import NewestTickets

router = APIRouter(include_in_schema=False)

PRIVATE = ("/api/", "/auth/", "/language", "/listings", "/orders", "/receipts/")
_FOR_A_DAY = {"Cache-Control": "public, max-age=86400"}


@router.get("/robots.txt")
async def robots(request: Request) -> Response:
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in PRIVATE)]
    lines += [f"Sitemap: {absolute(request, '/sitemap.xml')}", ""]
    return PlainTextResponse("\n".join(lines), headers=_FOR_A_DAY)


@router.get("/sitemap.xml")
async def sitemap(request: Request, api: Apis) -> Response:
    """The public pages, by https://www.sitemaps.org/protocol.html."""
    newest: NewestTickets = request.app.state.newest_tickets
    paths = ["/", *(f"/tickets/{ticket_id}" for ticket_id in await newest.ids(api))]
    locations = "".join(f"<url><loc>{escape(absolute(request, path))}</loc></url>\n" for path in paths)
    document = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{locations}</urlset>\n'
    )
    return Response(document, media_type="application/xml", headers={"Cache-Control": "public, max-age=300"})


@router.get("/favicon.ico")
async def favicon(request: Request) -> Response:
    return _icon(request, "icons/favicon.ico")


@router.get("/apple-touch-icon.png")
@router.get("/apple-touch-icon-precomposed.png")
async def touch_icon(request: Request) -> Response:
    return _icon(request, "icons/touch.png")


def _icon(request: Request, name: str) -> Response:
    assets: Assets = request.app.state.assets
    asset = assets.named(name)
    return Response(asset.content, media_type=asset.media_type, headers=_FOR_A_DAY)
