"""Routes of a listing's file."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from common.base.errors import BadRequest
from common.contract.error_codes import ErrorCode
from common.http.rendering import json_response
from common.http.request_body import BodyLimit
from common.http.session import SignedIn
from tickets.files.commands import Files
from tickets.files.limits import MAX_BYTES, MAX_PAGES
from tickets.files.names import disposition
from tickets.files.places import Places
from tickets.files.protocol import Kind
from tickets.files.schemas import FileOutput

CONTENT_TYPES = frozenset({*Kind, "application/octet-stream"})
"""Of an upload. Its content alone decides about its type."""
UPLOAD_SECONDS = 60.0
BODY_LIMITS = (BodyLimit("PUT", r"/api/tickets/[^/]+/file", MAX_BYTES, UPLOAD_SECONDS),)
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}


def create_router(files: Files) -> APIRouter:
    router = APIRouter(prefix="/api/tickets/{ticket_id}/file", tags=["files"])
    places = Places()

    @router.put("", responses={200: {"model": FileOutput}}, openapi_extra=_BODY)
    async def put(
        user: SignedIn, ticket_id: str, request: Request, name: Annotated[str, Query(max_length=500)] = ""
    ) -> Response:
        if _content_type(request) not in CONTENT_TYPES:
            raise BadRequest(
                f"Content-Type must be one of {', '.join(sorted(CONTENT_TYPES))}",
                code=ErrorCode.CONTENT_TYPE_INVALID,
            )
        with places.one(user.id):
            file = await files.put(user, ticket_id, name, await request.body())
        return json_response(FileOutput.of(file))

    @router.get("", responses={200: {"content": {kind.value: {} for kind in (Kind.PDF, Kind.JPEG)}}})
    async def get(
        user: SignedIn, ticket_id: str, page: Annotated[int | None, Query(ge=1, le=MAX_PAGES)] = None
    ) -> Response:
        found = await files.get(user, ticket_id, page)
        headers = {**HEADERS, "Content-Disposition": disposition(found.name)}
        return Response(found.content, headers=headers, media_type=found.type)

    @router.delete("", status_code=204)
    async def remove(user: SignedIn, ticket_id: str) -> Response:
        await files.remove(user, ticket_id)
        return Response(status_code=204)

    return router


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


_BINARY = {"schema": {"type": "string", "format": "binary"}}
_BODY = {"requestBody": {"required": True, "content": dict.fromkeys(sorted(CONTENT_TYPES), _BINARY)}}
