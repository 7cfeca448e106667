"""Addresses that programs ask for by themselves: robots.txt, security.txt, the site map, the site's icons."""

from datetime import timedelta
from xml.sax.saxutils import escape

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from client.api import Apis
from client.assets import Assets
from client.languages import LANGUAGES
from client.pages import words
from client.public_address import absolute
from client.sitemap import NewestTickets
from common.base import times
from common.base.errors import NotFound

router = APIRouter(include_in_schema=False)

PRIVATE = ("/api/", "/auth/", "/language", "/listings", "/orders", "/receipts/", "/unsubscribe")
_FOR_A_DAY = {"Cache-Control": "public, max-age=86400"}

GOOD_FOR = timedelta(days=90)
"""RFC 9116 recommends less than a year. The contact is a setting: each answer is as good as that."""


@router.get("/.well-known/security.txt")
async def security_txt(request: Request) -> Response:
    """The contact for security reports (RFC 9116). Raises NotFound where the setting is empty."""
    contact: str = request.app.state.security_contact
    if not contact:
        raise NotFound()
    lines = (
        f"Contact: {contact}",
        f"Expires: {times.iso(times.now() + GOOD_FOR)}",
        f"Canonical: {absolute(request, request.url.path)}",
        f"Preferred-Languages: {', '.join(LANGUAGES)}",
    )
    return PlainTextResponse("".join(f"{line}\n" for line in lines), headers=_FOR_A_DAY)


@router.get("/robots.txt")
async def robots(request: Request) -> Response:
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in PRIVATE)]
    lines += [f"Sitemap: {absolute(request, '/sitemap.xml')}", ""]
    return PlainTextResponse("\n".join(lines), headers=_FOR_A_DAY)


@router.get("/sitemap.xml")
async def sitemap(request: Request, api: Apis) -> Response:
    """The public pages, by https://www.sitemaps.org/protocol.html."""
    newest: NewestTickets = request.app.state.newest_tickets
    paths = ["/", *words.PATHS, *(f"/tickets/{ticket_id}" for ticket_id in await newest.ids(api))]
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
