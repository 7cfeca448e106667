"""Tickets: the list of those on sale, one ticket, its sale and purchase."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response

from client import forgiving
from client.api import Api, Apis
from client.domain import is_off_sale, listing_state
from client.drafts import DraftFields
from client.flash import Flash
from client.forms import Form, Problems, TicketId, key_of, new_key, version_of
from client.i18n import gettext_noop
from client.messages import message_for
from client.own_orders import order_of, own_order
from client.polling import Polling
from client.refusals import TicketNotSaleableYet
from client.rendering import Page, Pages, see_other
from client.schemas import Order, Ticket
from client.sign_in import Member
from client.structured_data import event
from client.typed_prices import as_number, read_prices
from common.base import times
from common.base.errors import (
    AppError,
    BadRequest,
    Invalid,
    KeyReused,
    NotAuthorized,
    NotFound,
    PreconditionFailed,
    Unavailable,
)
from common.base.identity import CurrentUser
from common.base.ids import is_id
from common.base.money import Money
from common.contract.error_codes import ErrorCode
from common.http.session import MaybeUser

router = APIRouter(include_in_schema=False)

PRICES = ("minPrice", "maxPrice")
FILTERS = ("q", *PRICES)
NEWEST = "newest"
"""The order of a search that asks for none."""
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
        narrowed=any(name in typed for name in PRICES) or typed.get("sort", NEWEST) != NEWEST,
        problems=Problems.of(Invalid(refused)) if refused else Problems(),
        htmx=HTMX,
    )


def _asked(request: Request) -> Mapping[str, str]:
    """The search that the query has. The address of a ticket has it, too, for the way back to the results."""
    return {name: request.query_params[name] for name in SEARCH if request.query_params.get(name)}


@router.get("/tickets/new")
async def new(_user: Member, page: Pages, kept: DraftFields) -> Response:
    return _form_page(page, sent=_sent(kept))


@router.post("/tickets/new")
async def create(_user: Member, page: Pages, api: Apis, form: Form) -> Response:
    sent, key = _sent(form), key_of(form)
    try:
        ticket = await api.create_ticket(_offer(sent), key)
    except (BadRequest, Unavailable) as error:
        # The same key: what was sent may have been stored though its answer was lost.
        problems = Problems.of(error, FIELDS)
        return _form_page(page, error.status, sent=sent, key=key or new_key(), problems=problems)
    except KeyReused as error:
        return _form_page(page, error.status, sent=sent, listed=await _listed(api, error))
    return see_other(f"/tickets/{ticket.id}", message=Flash.LISTED)


@router.get("/tickets/{ticket_id}")
async def show(ticket_id: TicketId, user: MaybeUser, page: Pages, api: Apis, request: Request) -> Response:
    try:
        return await ticket_page(page, api, user, ticket_id, asked=_asked(request))
    except NotFound as error:
        if error.code != ErrorCode.TICKET_WITHDRAWN:
            raise
        return page("error.html", 404, heading=WITHDRAWN, messages=[message_for(error.code, str(error))])


@router.get("/tickets/{ticket_id}/edit")
async def edit(user: Member, ticket_id: TicketId, page: Pages, api: Apis, kept: DraftFields) -> Response:
    ticket = await own_ticket(api, user, ticket_id)
    if kept:
        # The version that was edited: a change of meanwhile is found when the form is sent.
        return _form_page(page, ticket=ticket, sent=_sent(kept), version=version_of(kept) or ticket.version)
    return _form_page(page, ticket=ticket, sent=_as_sent(ticket), version=ticket.version)


@router.post("/tickets/{ticket_id}/edit")
async def update(user: Member, ticket_id: TicketId, page: Pages, api: Apis, form: Form) -> Response:
    sent, version = _sent(form), version_of(form)
    try:
        await api.update_ticket(ticket_id, _offer(sent), version)
    except BadRequest as error:
        ticket = await own_ticket(api, user, ticket_id)
        problems = Problems.of(error, FIELDS)
        return _form_page(page, 400, ticket=ticket, sent=sent, version=version, problems=problems)
    except PreconditionFailed as error:
        # Saved once more, it replaces what is shown now.
        ticket = await own_ticket(api, user, ticket_id)
        return _form_page(page, error.status, ticket=ticket, sent=sent, version=ticket.version, changed=True)
    saved = Flash.SAVED if sent["eventDate"] else Flash.SAVED_WITHOUT_DATE
    return see_other(f"/tickets/{ticket_id}", message=saved)


@router.post("/tickets/{ticket_id}/purchase")
async def purchase(
    user: Member, ticket_id: TicketId, page: Pages, api: Apis, form: Form, request: Request
) -> Response:
    polling: Polling = request.app.state.polling
    seen, key = form.get("price", ""), key_of(form)
    try:
        order = await _order(api, ticket_id, seen, key, polling)
    except BadRequest as error:
        own = await own_order(api, ticket_id)
        if own is None:
            if error.code == ErrorCode.TICKET_RESERVED:
                # Until the order has reached the tickets service, the page would offer the refused ticket.
                await polling.until(_is_taken, lambda: api.ticket(ticket_id))
            return await ticket_page(page, api, user, ticket_id, error, seen)
        order = own
    if order is None:
        return await ticket_page(page, api, user, ticket_id, TicketNotSaleableYet())
    return see_other(f"/orders/{order.id}")


async def _order(api: Api, ticket_id: str, seen: str, key: str, polling: Polling) -> Order | None:
    """The new order, or None while the orders service has not received the ticket, or its price.

    seen: Price that the buyer saw. Raises NotFound for an unknown ticket, BadRequest for a changed price.
    """

    async def ask() -> Order | None:
        try:
            return await api.create_order(ticket_id, seen, key)
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


@router.get("/tickets/{ticket_id}/{action}")
async def back_to_ticket(ticket_id: TicketId, action: str) -> Response:
    """Redirects to the ticket, for a reload after a refused form: the browser shows the form's address."""
    if action not in ("purchase", "relist"):
        raise NotFound()
    return see_other(f"/tickets/{ticket_id}")


def _form_page(page: Page, status: int = 200, **context: Any) -> Response:
    """The form of a listing; by default empty, and with a key of its own."""
    given = {"ticket": None, "key": new_key(), "version": "", "listed": None, "changed": False, **context}
    return page("ticket_form.html", status, **given)


async def _listed(api: Api, reused: KeyReused) -> Ticket | None:
    """The listing that the form's first sending created; None where it can't be shown."""
    ticket_id = (reused.created or "").rpartition("/")[2]
    try:
        return await api.ticket(ticket_id) if is_id(ticket_id) else None
    except AppError:
        return None


async def own_ticket(api: Api, user: CurrentUser, ticket_id: str) -> Ticket:
    ticket = await api.ticket(ticket_id)
    if ticket.user_id != user.id:
        raise NotAuthorized()
    return ticket


def _sent(form: Mapping[str, str]) -> Mapping[str, str]:
    return {name: form.get(name, "") for name in FIELDS}


def _offer(sent: Mapping[str, str]) -> Mapping[str, str]:
    """The fields for the API. Raises PriceAmbiguous."""
    return {**sent, "price": as_number(sent["price"])}


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


async def ticket_page(
    page: Page,
    api: Api,
    user: CurrentUser | None,
    ticket_id: str,
    error: AppError | None = None,
    seen_price: str = "",
    asked: Mapping[str, str] | None = None,
) -> Response:
    ticket, seen = await api.ticket(ticket_id), _price(seen_price)
    # The two prices say all that the refusal says.
    is_said = error is not None and error.code == ErrorCode.PRICE_CHANGED and seen != ticket.price
    return page(
        "ticket.html",
        200 if error is None else error.status,
        **shown(ticket, user, await order_of(api, user, ticket)),
        event=event(ticket, page.absolute(f"/tickets/{ticket.id}")),
        asked=asked or {},
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
    now = times.now()
    return {
        "ticket": ticket,
        "state": listing_state(ticket, now),
        "over": is_off_sale(ticket, now),
        "mine": user is not None and user.id == ticket.user_id,
        "order": order,
    }
