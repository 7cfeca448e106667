"""A seller's listings, in every status."""

import asyncio

from fastapi import APIRouter, Request, Response

from client import forgiving
from client.api import Apis
from client.domain import LISTING_STATES, listing_state
from client.rendering import Pages
from client.sign_in import Member
from common.base import times

router = APIRouter(include_in_schema=False)

PARAMETERS = ("status", "limit", "cursor")


@router.get("/listings")
async def index(_user: Member, request: Request, page: Pages, api: Apis) -> Response:
    asked = {name: request.query_params[name] for name in PARAMETERS if name in request.query_params}
    answer, summary = await asyncio.gather(
        forgiving.answered(lambda query: api.tickets({**query, "seller": "me"}), asked), api.summary()
    )
    found, now = answer.found, times.now()
    following = None if found.following is None else {**found.following}
    if following is not None:
        following.pop("seller", None)
    return page(
        "listings.html",
        tickets=found.items,
        asked=asked,
        following=following,
        summary=summary,
        states=LISTING_STATES,
        state_of=lambda ticket: listing_state(ticket, now),
        chosen=answer.asked.get("status", ""),
    )
