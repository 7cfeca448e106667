"""What a seller offers, in every state."""

from fastapi import APIRouter, Request, Response

from client.api import Apis
from client.domain import LISTING_STATES
from client.rendering import Pages
from client.sign_in import Member

router = APIRouter(include_in_schema=False)


@router.get("/listings")
async def index(_user: Member, request: Request, page: Pages, api: Apis) -> Response:
    asked = {name: request.query_params[name] for name in ("limit", "cursor") if name in request.query_params}
    found = await api.tickets({**asked, "seller": "me"})
    following = None if found.following is None else {**found.following}
    if following is not None:
        following.pop("seller", None)
    return page("listings.html", tickets=found.items, following=following, states=LISTING_STATES)
