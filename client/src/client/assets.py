"""Static files of the package: style sheets, scripts and pictures."""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from http import HTTPStatus
from importlib.resources import files

from fastapi import Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from client.negotiation import IDENTITY, best_coding, matches
from common.base.errors import NotFound

_FOR_GOOD = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file. compressed: Its content by gzip. version: 12 hex digits of the content's SHA-256."""

    content: bytes
    compressed: bytes
    media_type: str
    version: str

    @classmethod
    def of(cls, name: str, content: bytes) -> "Asset":
        media_type = mimetypes.guess_type(name)[0] or "text/plain"
        version = hashlib.sha256(content).hexdigest()[:12]
        return cls(content, gzip.compress(content, 9, mtime=0), media_type, version)


class Assets:
    """ASGI app that serves all assets from memory, compressed once.

    An address with the content's hash is cached for good (one year, immutable); any other is revalidated.
    """

    def __init__(self) -> None:
        folder = files("client").joinpath("static")
        self._assets = {
            f"{inside}{file.name}": Asset.of(file.name, file.read_bytes())
            for inside, place in (
                ("", folder),
                ("icons/", folder.joinpath("icons")),
                ("vendor/", folder.joinpath("vendor")),
            )
            for file in place.iterdir()
            if file.is_file()
        }

    def address(self, name: str) -> str:
        """Such as `/static/app.css?v=1f2e…`. Raises KeyError for an unknown name."""
        return f"/static/{name}?v={self.named(name).version}"

    def named(self, name: str) -> Asset:
        """Raises KeyError for an unknown name."""
        return self._assets[name]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a GET below `/static`.

        Raises NotFound for an unknown name, HTTPException 405 for another method, and 406 where no coding is
        acceptable.
        """
        request = Request(scope)
        asset = self._assets.get(scope["path"].removeprefix(f"{scope['root_path']}/"))
        if asset is None:
            raise NotFound()
        if request.method != "GET":
            raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "GET, HEAD"})
        await _response(asset, request.headers, request.url.query)(scope, receive, send)


def _response(asset: Asset, asked: Headers, query: str) -> Response:
    coding = best_coding(asked.getlist("accept-encoding"))
    if coding is None:
        raise HTTPException(HTTPStatus.NOT_ACCEPTABLE, headers={"Vary": "Accept-Encoding"})
    # One tag a coding: the tag names the bytes (RFC 9110, section 8.8.3).
    tag = f'"{asset.version}"' if coding == IDENTITY else f'"{asset.version}-{coding}"'
    headers = {
        "Cache-Control": _FOR_GOOD if query == f"v={asset.version}" else _ASK_AGAIN,
        "ETag": tag,
        "Vary": "Accept-Encoding",
    }
    if matches(tag, asked.getlist("if-none-match")):
        return Response(status_code=304, headers=headers)
    if coding == IDENTITY:
        return Response(asset.content, headers=headers, media_type=asset.media_type)
    headers["Content-Encoding"] = coding
    return Response(asset.compressed, headers=headers, media_type=asset.media_type)
