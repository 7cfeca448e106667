"""A file that a form sends, and the calls to the API of a listing's file."""

from dataclasses import dataclass
from typing import Annotated

import httpx
from fastapi import Depends, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.responses import Response

from client.refusals import FormInvalid
from client.upstream import CONNECT_SECONDS, Upstream
from common.http.request_body import BodyLimit

MULTIPART = "multipart/form-data"
MAX_FILE_BYTES = 5 * 1024 * 1024
MAX_FORM_BYTES = MAX_FILE_BYTES + 64 * 1024
UPLOAD_SECONDS = 60.0
BODY_LIMITS = (BodyLimit("POST", r"/tickets/[^/]+/file", MAX_FORM_BYTES, UPLOAD_SECONDS),)
READING_TIMEOUT = httpx.Timeout(60, connect=CONNECT_SECONDS, pool=5)
"""For a file that waits to be read."""
FIELD = "file"
_SHOWN = ("content-type", "content-disposition", "content-length")


@dataclass(frozen=True, slots=True)
class Upload:
    name: str
    content: bytes


class _InMemory(MultiPartParser):
    """Never writes a part to a disk: the body is bounded before."""

    spool_max_size = MAX_FORM_BYTES


async def _upload(request: Request) -> Upload:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != MULTIPART:
        raise FormInvalid()
    try:
        form = await _InMemory(request.headers, request.stream(), max_files=1, max_fields=2).parse()
    except (MultiPartException, KeyError, LookupError, ValueError):
        raise FormInvalid() from None
    try:
        found = form.get(FIELD)
        if not isinstance(found, UploadFile):
            raise FormInvalid()
        return Upload(found.filename or "", await found.read())
    finally:
        await form.close()


Uploaded = Annotated[Upload, Depends(_upload)]
"""The file of a form, which may be empty. Raises FormInvalid."""


class FileApi:
    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def put(self, ticket_id: str, upload: Upload) -> None:
        query = {"name": upload.name[:200]}
        await self._upstream.send(
            "PUT", _path(ticket_id), query=query, content=upload.content, timeout=READING_TIMEOUT
        )

    async def remove(self, ticket_id: str) -> None:
        await self._upstream.send("DELETE", _path(ticket_id))

    async def shown(self, ticket_id: str, page: int | None = None) -> Response:
        """The file as a download, or the picture of one of its pages: never a page of this site."""
        query = {} if page is None else {"page": str(page)}
        found = await self._upstream.send("GET", _path(ticket_id), query=query)
        headers = {name: found.headers[name] for name in _SHOWN if name in found.headers}
        policy = "default-src 'none'; sandbox"
        return Response(
            found.content,
            headers={**headers, "Cache-Control": "no-store", "Content-Security-Policy": policy},
        )


def _path(ticket_id: str) -> str:
    return f"/api/tickets/{ticket_id}/file"


async def _file_api(request: Request) -> FileApi:
    return FileApi(Upstream.of(request))


FileApis = Annotated[FileApi, Depends(_file_api)]
