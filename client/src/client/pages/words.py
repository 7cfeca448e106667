"""The pages of plain words: help, the marketplace's rules, and privacy."""

from fastapi import APIRouter, Response

from client.rendering import Pages

router = APIRouter(include_in_schema=False)

PATHS = ("/help", "/terms", "/privacy")


@router.get("/help")
async def help_(page: Pages) -> Response:
    return page("words/help.html")


@router.get("/terms")
async def terms(page: Pages) -> Response:
    return page("words/terms.html")


@router.get("/privacy")
async def privacy(page: Pages) -> Response:
    return page("words/privacy.html")
