"""Tickets: the list of those on sale, and the page of one."""

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response

from client import forgiving
from client.api import Apis
from client.day_ranges import day_ranges
from client.forms import Problems, TicketId
from client.i18n import gettext_noop
from client.messages import message_for
from client.rendering import Pages, see_other
from client.ticket_page import ticket_page
from client.typed_prices import read_prices
from common.base import times
from common.base.errors import Invalid, NotFound
from common.contract.error_codes import ErrorCode
from common.http.session import MaybeUser

router = APIRouter(include_in_schema=False)

PRICES = ("minPrice", "maxPrice")
FILTERS = ("q", "city", "from", "to", *PRICES)
NEWEST = "newest"
"""The order of a search that asks for none."""
SEARCH = (*FILTERS, "sort", "limit", "cursor")
HTMX = {
    # htmx's indicator styles are inline, which the policy forbids. No script of ours needs eval.
    "includeIndicatorStyles": False,
    "allowEval": False,
    # No copies of pages in the tab's storage: they would survive a sign-out. Back loads the page instead.
    "historyCacheSize": 0,
    "refreshOnHistoryMiss": True,
    # Swaps error responses in too: a refused search is a page that shows the problem.
    "responseHandling": [{"code": "204", "swap": False}, {"code": "...", "swap": True}],
}
WITHDRAWN = gettext_noop("This ticket is not on sale any more")


@router.get("/")
async def index(request: Request, page: Pages, api: Apis) -> Response:
    """The list. Leaves out parameters that the API refuses; the page names those that were typed."""
    typed = _asked(request)
    query, unread = read_prices(typed, PRICES)
    answer = await forgiving.answered(api.tickets, query)
    refused = [*unread, *(entry for entry in answer.refused if entry.field in FILTERS)]
    return page(
        "index.html",
        found=answer.found,
        asked=typed,
        filtered=[name for name in FILTERS if name in answer.asked],
        narrowed=any(name in typed for name in FILTERS[1:]) or typed.get("sort", NEWEST) != NEWEST,
        day_ranges=day_ranges(times.now().date()),
        problems=Problems.of(Invalid(refused)) if refused else Problems(),
        htmx=HTMX,
    )


def _asked(request: Request) -> Mapping[str, str]:
    """The search that the query has. The address of a ticket has it, too, for the way back to the results."""
    return {name: request.query_params[name] for name in SEARCH if request.query_params.get(name)}


@router.get("/tickets/{ticket_id}")
async def show(ticket_id: TicketId, user: MaybeUser, page: Pages, api: Apis, request: Request) -> Response:
    try:
        return await ticket_page(page, api, user, ticket_id, asked=_asked(request))
    except NotFound as error:
        if error.code != ErrorCode.TICKET_WITHDRAWN:
            raise
        return page("error.html", 404, heading=WITHDRAWN, messages=[message_for(error.code, str(error))])


@router.get("/tickets/{ticket_id}/{action}")
async def back_to_ticket(ticket_id: TicketId, action: str) -> Response:
    """Redirects to the ticket, for a reload after a refused form: the browser shows the form's address."""
    if action not in ("purchase", "relist"):
        raise NotFound()
    return see_other(f"/tickets/{ticket_id}")
