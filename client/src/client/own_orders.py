"""The viewer's own order of a ticket."""

from collections.abc import Collection

from client.api import Api
from client.schemas import Order, Ticket
from common.base.errors import NotAuthorized, NotFound
from common.base.identity import CurrentUser

OPEN = ("created", "awaiting:payment")
NEWEST = "20"
"""Orders of a buyer among which one for a ticket is looked for."""


async def own_order(api: Api, ticket_id: str, statuses: Collection[str] = OPEN) -> Order | None:
    """The order that this buyer already has for the ticket, as after a second click; else None."""
    orders = await api.orders({"limit": NEWEST})
    return next((o for o in orders.items if o.ticket.id == ticket_id and o.status in statuses), None)


async def order_of(
    api: Api, user: CurrentUser | None, ticket: Ticket, order_id: str | None = None
) -> Order | None:
    """The order that holds or bought the ticket, if it belongs to this user; else None.

    order_id: Where it is known. Otherwise it is the ticket's, which the API tells to the buyer alone; of a
    hold that is older than that, it is among the buyer's newest orders.
    """
    if user is None or user.id == ticket.user_id or ticket.status not in ("held", "sold"):
        return None
    known = order_id or ticket.order_id
    if known is None:
        return await own_order(api, ticket.id, (*OPEN, "complete"))
    try:
        order = await api.order(known)
    except (NotAuthorized, NotFound):
        return None
    return None if order.status == "cancelled" else order
