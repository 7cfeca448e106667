"""Static files of the package: style sheets, scripts and pictures."""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from importlib.resources import files

from fastapi import Request
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

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
        """Serves a GET below `/static`. Raises NotFound for another method or an unknown name."""
        request = Request(scope)
        asset = self._assets.get(scope["path"].removeprefix(f"{scope['root_path']}/"))
        if asset is None or request.method != "GET":
            raise NotFound()
        await _response(asset, request.headers, request.url.query)(scope, receive, send)


def _response(asset: Asset, asked: Headers, query: str) -> Response:
    tag = f'"{asset.version}"'
    headers = {
        "Cache-Control": _FOR_GOOD if query == f"v={asset.version}" else _ASK_AGAIN,
        "ETag": tag,
        "Vary": "Accept-Encoding",
    }
    if tag in asked.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if "gzip" in asked.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(asset.compressed, headers=headers, media_type=asset.media_type)
    return Response(asset.content, headers=headers, media_type=asset.media_type)
