"""Routes: HTTP request → command → response schema."""

from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response

from common.base.errors import BadRequest, NotAuthorized
from common.contract.error_codes import ErrorCode
from common.http.body import describes, json_body
from common.http.fast_route import FastRoute
from common.http.idempotency import creation_of
from common.http.preconditions import etag, expected_versions
from common.http.rendering import JSON, json_response
from common.http.session import MaybeUser, SignedIn, Trader, current_user
from tickets import commands, paging
from tickets.finding.finder import Finder, first_of
from tickets.markup import Markup
from tickets.new_listings import NewListings
from tickets.paging import PageQuery
from tickets.repository import TicketRepository
from tickets.schemas import TICKETS, SummaryOutput, TicketInput, TicketOutput

PATH = "/api/tickets"

Body = Annotated[TicketInput, json_body(TicketInput)]


def create_router(
    tickets: TicketRepository, new_listings: NewListings, markup: Markup, finder: Finder
) -> APIRouter:
    """The handlers close over the repository: a dependency a request would cost as much as the handler."""
    router = APIRouter(prefix=PATH, tags=["tickets"])

    @router.get("", responses={200: {"model": list[TicketOutput]}})
    async def index(user: MaybeUser, page: PageQuery, seller: Literal["me"] | None = None) -> Response:
        if seller is None and page.status is not None:
            raise BadRequest("Status is for one's own listings", "status", code=ErrorCode.STATUS_NOT_ALLOWED)
        if seller is None:
            found = await finder.on_sale(page)
        elif user is None:
            raise NotAuthorized()
        else:
            found = first_of(await tickets.of_seller(user.id, page), page)
        headers = {} if found.after is None else {"Link": paging.next_link(PATH, page, seller, found.after)}
        viewer_id = None if user is None else user.id
        content = TICKETS.dump_json(
            [TicketOutput.of(ticket, viewer_id) for ticket in found.tickets], by_alias=True
        )
        return Response(content, headers=headers, media_type=JSON)

    @router.get("/summary", responses={200: {"model": SummaryOutput}})
    async def summary(user: SignedIn) -> Response:
        return json_response(SummaryOutput.of(await tickets.summary(user.id)))

    async def show(request: Request, ticket_id: str) -> Response:
        ticket = await commands.visible(tickets, ticket_id, lambda: current_user(request))
        # To others than its parties, a ticket without an order and a file is the same.
        is_plain = ticket.order_id is None and ticket.file is None
        user = None if is_plain else current_user(request)
        response = json_response(TicketOutput.of(ticket, None if user is None else user.id))
        response.headers["ETag"] = etag(ticket.version)
        return response

    router.add_api_route(
        "/{ticket_id}", show, route_class_override=FastRoute, responses={200: {"model": TicketOutput}}
    )

    @router.post("", responses={201: {"model": TicketOutput}}, openapi_extra=describes(TicketInput))
    async def create(user: Trader, body: Body, request: Request) -> Response:
        markup.check(body.price, body.face_value)
        creation = creation_of(request, user.id, body)
        offer = (body.title, body.price, body.details)
        ticket = await commands.offer(tickets, user, *offer, creation, new_listings)
        return json_response(TicketOutput.of(ticket, user.id), 201)

    @router.put(
        "/{ticket_id}", responses={200: {"model": TicketOutput}}, openapi_extra=describes(TicketInput)
    )
    async def update(user: SignedIn, body: Body, ticket_id: str, request: Request) -> Response:
        markup.check(body.price, body.face_value)
        offer, versions = (body.title, body.price, body.details), expected_versions(request)
        ticket = await commands.edit(tickets, user, ticket_id, *offer, versions)
        return json_response(TicketOutput.of(ticket, user.id))

    @router.delete("/{ticket_id}", status_code=204)
    async def withdraw(user: SignedIn, ticket_id: str, request: Request) -> Response:
        await commands.withdraw(tickets, user, ticket_id, expected_versions(request))
        return Response(status_code=204)

    @router.post("/{ticket_id}/relist", responses={200: {"model": TicketOutput}})
    async def relist(user: Trader, ticket_id: str) -> Response:
        ticket = await commands.relist(tickets, user, ticket_id)
        return json_response(TicketOutput.of(ticket, user.id))

    return router
