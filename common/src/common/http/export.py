"""`GET …/export`: all that a service stores about the signed-in user, page by page."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Query, Response

from common.http.body import Output
from common.http.rendering import json_response
from common.http.session import SignedIn

MAX_CURSOR = 200
"""In characters."""


class Records(Protocol):
    """A page: records, and the cursor of the next page, None on the last one."""

    @property
    def records(self) -> Sequence[Mapping[str, Any]]: ...

    @property
    def following(self) -> str | None: ...


class Export(Protocol):
    """Such as `common.persistence.export.Exports`."""

    async def page(self, user_id: str, cursor: str) -> Records:
        """cursor: "" for the first page."""
        ...


class ExportOutput(Output):
    """One page. Each record names its `collection`. next: Cursor of the next page; null on the last one."""

    records: list[dict[str, Any]]
    next: str | None


def create_export_router(path: str, export: Export) -> APIRouter:
    """path: Of the API. Goes before a router with `path/{id}`."""
    router = APIRouter(prefix=path, tags=["export"])

    @router.get("/export", responses={200: {"model": ExportOutput}})
    async def show(user: SignedIn, cursor: Annotated[str, Query(max_length=MAX_CURSOR)] = "") -> Response:
        found = await export.page(user.id, cursor)
        response = json_response(
            ExportOutput.model_construct(records=list(map(dict, found.records)), next=found.following)
        )
        response.headers["Cache-Control"] = "no-store"
        return response

    return router
