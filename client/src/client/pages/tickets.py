"""Tickets: the list of those on sale, one ticket, its sale and purchase."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response

from client.api import Api, Apis
from client.domain import LISTING_STATES
from client.drafts import DraftFields
from client.flash import Flash
from client.forms import Form, Problems, TicketId
from client.polling import Polling
from client.refusals import TicketNotSaleableYet
from client.rendering import Page, Pages, see_other
from client.schemas import Listing, Order, Ticket
from client.sign_in import Member
from common.base.errors import AppError, BadRequest, NotAuthorized, NotFound, Unavailable
from common.base.identity import CurrentUser
from common.base.money import Money
from common.contract.error_codes import ErrorCode
from common.http.session import MaybeUser

router = APIRouter(include_in_schema=False)

FILTERS = ("q", "minPrice", "maxPrice")
SEARCH = (*FILTERS, "sort", "limit", "cursor")
FIELDS = ("title", "price", "eventDate", "venue", "seat")
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
OPEN = ("created", "awaiting:payment")


@router.get("/")
async def index(request: Request, page: Pages, api: Apis) -> Response:
    asked = {name: request.query_params[name] for name in SEARCH if request.query_params.get(name)}
    filtered = any(name in asked for name in FILTERS)
    shared: dict[str, Any] = {"asked": asked, "filtered": filtered, "htmx": HTMX}
    try:
        return page("index.html", found=await api.tickets(asked), **shared)
    except BadRequest as error:
        empty: Listing[Ticket] = Listing([], None)
        return page("index.html", 400, found=empty, problems=Problems.of(error), **shared)


@router.get("/tickets/new")
async def new(_user: Member, page: Pages, kept: DraftFields) -> Response:
    return page("ticket_form.html", ticket=None, sent=_sent(kept))


@router.post("/tickets/new")
async def create(_user: Member, page: Pages, api: Apis, form: Form) -> Response:
    sent = _sent(form)
    try:
        ticket = await api.create_ticket(sent)
    except (BadRequest, Unavailable) as error:
        problems = Problems.of(error, FIELDS)
        return page("ticket_form.html", error.status, ticket=None, sent=sent, problems=problems)
    return see_other(f"/tickets/{ticket.id}", message=Flash.LISTED)


@router.get("/tickets/{ticket_id}")
async def show(ticket_id: TicketId, user: MaybeUser, page: Pages, api: Apis) -> Response:
    return await _ticket_page(page, api, user, ticket_id)


@router.get("/tickets/{ticket_id}/edit")
async def edit(user: Member, ticket_id: TicketId, page: Pages, api: Apis, kept: DraftFields) -> Response:
    ticket = await _own(api, user, ticket_id)
    return page("ticket_form.html", ticket=ticket, sent=_sent(kept) if kept else _as_sent(ticket))


@router.post("/tickets/{ticket_id}/edit")
async def update(user: Member, ticket_id: TicketId, page: Pages, api: Apis, form: Form) -> Response:
    sent = _sent(form)
    try:
        await api.update_ticket(ticket_id, sent)
    except BadRequest as error:
        ticket = await _own(api, user, ticket_id)
        problems = Problems.of(error, FIELDS)
        return page("ticket_form.html", 400, ticket=ticket, sent=sent, problems=problems)
    return see_other(f"/tickets/{ticket_id}", message=Flash.SAVED)


@router.post("/tickets/{ticket_id}/withdraw")
async def withdraw(user: Member, ticket_id: TicketId, page: Pages, api: Apis) -> Response:
    try:
        await api.withdraw_ticket(ticket_id)
    except BadRequest as error:
        return await _ticket_page(page, api, user, ticket_id, error)
    return see_other("/listings", message=Flash.WITHDRAWN)


@router.post("/tickets/{ticket_id}/purchase")
async def purchase(
    user: Member, ticket_id: TicketId, page: Pages, api: Apis, form: Form, request: Request
) -> Response:
    polling: Polling = request.app.state.polling
    seen = form.get("price", "")
    try:
        order = await _order(api, ticket_id, seen, polling)
    except BadRequest as error:
        own = await _own_order(api, ticket_id)
        if own is None:
            if error.code == ErrorCode.TICKET_RESERVED:
                # Until the order has reached the tickets service, the page would offer the refused ticket.
                await polling.until(_is_taken, lambda: api.ticket(ticket_id))
            return await _ticket_page(page, api, user, ticket_id, error, seen)
        order = own
    if order is None:
        return await _ticket_page(page, api, user, ticket_id, TicketNotSaleableYet())
    return see_other(f"/orders/{order.id}")


async def _order(api: Api, ticket_id: str, seen: str, polling: Polling) -> Order | None:
    """The new order, or None while the orders service has not received the ticket, or its price.

    seen: Price that the buyer saw. Raises NotFound for an unknown ticket, BadRequest for a changed price.
    """

    async def ask() -> Order | None:
        try:
            return await api.create_order(ticket_id, seen)
        except NotFound:
            await api.ticket(ticket_id)
            return None
        except BadRequest as error:
            if error.code == ErrorCode.PRICE_CHANGED and str((await api.ticket(ticket_id)).price) == seen:
                return None
            raise

    return await polling.until(lambda order: order is not None, ask)


def _is_taken(ticket: Ticket) -> bool:
    return ticket.status != "available"


async def _own_order(api: Api, ticket_id: str) -> Order | None:
    """The open order that this buyer already has for the ticket, as after a second click; else None."""
    orders = await api.orders({})
    return next((o for o in orders.items if o.ticket.id == ticket_id and o.status in OPEN), None)


@router.get("/tickets/{ticket_id}/{action}")
async def back_to_ticket(ticket_id: TicketId, action: str) -> Response:
    """Redirects to the ticket, for a reload after a refused form: the browser shows the form's address."""
    if action not in ("purchase", "withdraw"):
        raise NotFound()
    return see_other(f"/tickets/{ticket_id}")


async def _own(api: Api, user: CurrentUser, ticket_id: str) -> Ticket:
    ticket = await api.ticket(ticket_id)
    if ticket.user_id != user.id:
        raise NotAuthorized()
    return ticket


def _sent(form: Mapping[str, str]) -> Mapping[str, str]:
    return {name: form.get(name, "") for name in FIELDS}


def _as_sent(ticket: Ticket) -> Mapping[str, str]:
    """The ticket as the fields of its form."""
    date = "" if ticket.event_date is None else ticket.event_date.isoformat()
    return {
        "title": ticket.title,
        "price": str(ticket.price),
        "eventDate": date,
        "venue": ticket.venue or "",
        "seat": ticket.seat or "",
    }


async def _ticket_page(
    page: Page,
    api: Api,
    user: CurrentUser | None,
    ticket_id: str,
    error: AppError | None = None,
    seen_price: str = "",
) -> Response:
    ticket, seen = await api.ticket(ticket_id), _price(seen_price)
    # The two prices say all that the refusal says.
    is_said = error is not None and error.code == ErrorCode.PRICE_CHANGED and seen != ticket.price
    return page(
        "ticket.html",
        200 if error is None else error.status,
        **shown(ticket, user, await order_of(api, user, ticket)),
        seen_price=seen,
        problems=Problems() if error is None or is_said else Problems.of(error),
    )


def _price(text: str) -> Money | None:
    try:
        return Money.parse(text)
    except ValueError:
        return None


def shown(ticket: Ticket, user: CurrentUser | None, order: Order | None) -> Mapping[str, Any]:
    """Template context of a ticket for this user."""
    return {
        "ticket": ticket,
        "state": LISTING_STATES.get(ticket.status, ticket.status),
        "mine": user is not None and user.id == ticket.user_id,
        "order": order,
    }


async def order_of(api: Api, user: CurrentUser | None, ticket: Ticket) -> Order | None:
    """The order that holds the ticket, if it belongs to this user; else None."""
    if user is None or ticket.order_id is None or user.id == ticket.user_id:
        return None
    try:
        return await api.order(ticket.order_id)
    except (NotAuthorized, NotFound):
        return None
