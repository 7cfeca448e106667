"""The page of a ticket, also as the response to a refused action on it."""

from collections.abc import Mapping
from typing import Any

from fastapi import Response

from client.api import Api
from client.domain import is_off_sale, listing_state
from client.forms import Problems
from client.own_orders import order_of
from client.rendering import Page
from client.schemas import Order, Ticket
from client.structured_data import event
from common.base import times
from common.base.errors import (
    AppError,
    NotAuthorized,
)
from common.base.identity import CurrentUser
from common.base.money import Money
from common.contract.error_codes import ErrorCode


async def own_ticket(api: Api, user: CurrentUser, ticket_id: str) -> Ticket:
    ticket = await api.ticket(ticket_id)
    if ticket.user_id != user.id:
        raise NotAuthorized()
    return ticket


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
