"""Live updates of a ticket's open page, as server-sent events."""

from dataclasses import replace

from fastapi import APIRouter, Request, Response

from client.api import Api, Apis
from client.forms import TicketId
from client.live.answer import LiveAnswer
from client.live.ticket_cache import Holder
from client.own_orders import order_of
from client.rendering import Parts
from client.schemas import Ticket
from client.ticket_page import shown
from client.upstream import Upstream
from common.base.identity import CurrentUser
from common.http.session import MaybeUser

router = APIRouter(include_in_schema=False)

MOST_DIGITS = 9


@router.get("/tickets/{ticket_id}/live")
async def live(request: Request, ticket_id: TicketId, user: MaybeUser, page: Parts, api: Apis) -> Response:
    """Streams the ticket's state. `?version=`: The version that the page shows; no older one is sent."""
    anonymous = _anonymous_api(request)

    async def ask() -> Ticket:
        return await anonymous.ticket(ticket_id)

    async def render(ticket: Ticket, holder: Holder | None) -> str:
        # The shared answer names no order: only the seller and the buyer may see it.
        others = holder is not None and not _is(user, holder.user_id)
        order_id = None if holder is None else holder.order_id
        order = None if others else await order_of(api, user, ticket, order_id)
        return page.part("ticket.html", "state", **shown(ticket, user, order))

    session_id = "" if user is None else user.session_id
    return LiveAnswer(request.app.state.live, ticket_id, _version(request), ask, render, session_id)


def _is(user: CurrentUser | None, user_id: str) -> bool:
    return user is not None and user.id == user_id


def _anonymous_api(request: Request) -> Api:
    """The APIs without the browser's cookies: one request serves the pages of all users."""
    upstream = Upstream.of(request)
    headers = {name: value for name, value in upstream.browser.items() if name != b"cookie"}
    return Api(replace(upstream, browser=headers))


def _version(request: Request) -> int:
    given = request.query_params.get("version", "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) <= MOST_DIGITS else 0
