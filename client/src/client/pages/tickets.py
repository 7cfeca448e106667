"""Tickets on sale, one ticket, selling and buying."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response

from client.api import Api, Apis
from client.domain import LISTING_STATES
from client.forms import Form, Problems, TicketId
from client.patience import Patience
from client.rendering import Page, Pages, see_other
from client.schemas import Listing, Order, Ticket
from client.sign_in import Member
from common.errors import AppError, BadRequest, NotAuthorized, NotFound, Unavailable
from common.identity import CurrentUser, MaybeUser

router = APIRouter(include_in_schema=False)

SEARCH = ("q", "sort", "limit", "cursor")
FIELDS = ("title", "price")
NOT_YET = "This ticket was listed a moment ago and can't be bought yet. Please try again."
CHANGED = "The price has changed meanwhile. Please look at it before you buy."
OPEN = ("created", "awaiting:payment")


@router.get("/")
async def index(request: Request, page: Pages, api: Apis) -> Response:
    asked = {name: request.query_params[name] for name in SEARCH if request.query_params.get(name)}
    try:
        return page("index.html", found=await api.tickets(asked), asked=asked)
    except BadRequest as error:
        nothing: Listing[Ticket] = Listing([], None)
        return page("index.html", 400, found=nothing, asked=asked, problems=Problems.of(error, ("q",)))


@router.get("/tickets/new")
async def new(_user: Member, page: Pages) -> Response:
    return page("ticket_form.html", ticket=None, title="", price="")


@router.post("/tickets/new")
async def create(_user: Member, page: Pages, api: Apis, form: Form) -> Response:
    title, price = form.get("title", ""), form.get("price", "")
    try:
        ticket = await api.create_ticket(title, price)
    except (BadRequest, Unavailable) as error:
        problems = Problems.of(error, FIELDS)
        return page(
            "ticket_form.html", error.status, ticket=None, title=title, price=price, problems=problems
        )
    return see_other(f"/tickets/{ticket.id}")


@router.get("/tickets/{ticket_id}")
async def show(ticket_id: TicketId, user: MaybeUser, page: Pages, api: Apis) -> Response:
    return await _ticket_page(page, api, user, ticket_id)


@router.get("/tickets/{ticket_id}/edit")
async def edit(user: Member, ticket_id: TicketId, page: Pages, api: Apis) -> Response:
    ticket = await _own(api, user, ticket_id)
    return page("ticket_form.html", ticket=ticket, title=ticket.title, price=str(ticket.price))


@router.post("/tickets/{ticket_id}/edit")
async def update(user: Member, ticket_id: TicketId, page: Pages, api: Apis, form: Form) -> Response:
    title, price = form.get("title", ""), form.get("price", "")
    try:
        await api.update_ticket(ticket_id, title, price)
    except BadRequest as error:
        ticket = await _own(api, user, ticket_id)
        problems = Problems.of(error, FIELDS)
        return page("ticket_form.html", 400, ticket=ticket, title=title, price=price, problems=problems)
    return see_other(f"/tickets/{ticket_id}")


@router.post("/tickets/{ticket_id}/withdraw")
async def withdraw(user: Member, ticket_id: TicketId, page: Pages, api: Apis) -> Response:
    try:
        await api.withdraw_ticket(ticket_id)
    except BadRequest as error:
        return await _ticket_page(page, api, user, ticket_id, error)
    return see_other("/listings")


@router.post("/tickets/{ticket_id}/purchase")
async def purchase(user: Member, ticket_id: TicketId, page: Pages, api: Apis, request: Request) -> Response:
    patience: Patience = request.app.state.patience
    if await _is_another(api, ticket_id, request.query_params.get("price")):
        return await _ticket_page(page, api, user, ticket_id, BadRequest(CHANGED))
    try:
        order = await _order(api, ticket_id, patience)
    except BadRequest as error:
        own = await _own_order(api, ticket_id)
        if own is None:
            return await _ticket_page(page, api, user, ticket_id, error)
        order = own
    if order is None:
        return await _ticket_page(page, api, user, ticket_id, BadRequest(NOT_YET))
    return see_other(f"/orders/{order.id}")


async def _is_another(api: Api, ticket_id: str, price: str | None) -> bool:
    """Whether the buyer saw another price than the ticket has by now.

    What changes in the instant after this is seen on the order's page, before it is paid.
    """
    return price is not None and price != str((await api.ticket(ticket_id)).price)


async def _order(api: Api, ticket_id: str, patience: Patience) -> Order | None:
    """None while the orders service has not heard of the ticket. Raises NotFound where there is none."""

    async def ask() -> Order | None:
        try:
            return await api.create_order(ticket_id)
        except NotFound:
            await api.ticket(ticket_id)
            return None

    return await patience.until(lambda order: order is not None, ask)


async def _own_order(api: Api, ticket_id: str) -> Order | None:
    """The open order that this buyer already has for the ticket, as after a second click."""
    orders = await api.orders({})
    return next((o for o in orders.items if o.ticket.id == ticket_id and o.status in OPEN), None)


@router.get("/tickets/{ticket_id}/{action}")
async def back_to_ticket(ticket_id: TicketId, action: str) -> Response:
    """The address that the browser shows after a form was refused."""
    if action not in ("purchase", "withdraw"):
        raise NotFound()
    return see_other(f"/tickets/{ticket_id}")


async def _own(api: Api, user: CurrentUser, ticket_id: str) -> Ticket:
    ticket = await api.ticket(ticket_id)
    if ticket.user_id != user.id:
        raise NotAuthorized()
    return ticket


async def _ticket_page(
    page: Page, api: Api, user: CurrentUser | None, ticket_id: str, error: AppError | None = None
) -> Response:
    ticket = await api.ticket(ticket_id)
    return page(
        "ticket.html",
        200 if error is None else error.status,
        **shown(ticket, user, await order_of(api, user, ticket)),
        problems=Problems() if error is None else Problems.of(error),
    )


def shown(ticket: Ticket, user: CurrentUser | None, order: Order | None) -> Mapping[str, Any]:
    """What the page tells of a ticket to this user."""
    return {
        "ticket": ticket,
        "state": LISTING_STATES.get(ticket.status, ticket.status),
        "mine": user is not None and user.id == ticket.user_id,
        "order": order,
    }


async def order_of(api: Api, user: CurrentUser | None, ticket: Ticket) -> Order | None:
    """The order that has the ticket, where it is this user's."""
    if user is None or ticket.order_id is None or user.id == ticket.user_id:
        return None
    try:
        return await api.order(ticket.order_id)
    except (NotAuthorized, NotFound):
        return None
