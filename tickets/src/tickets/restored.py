"""`python -m tickets restored`: brings the tickets of a restored database forward to their events.

A ticket's own events lack three fields. Its buyer and the price that the buyer pays are in the events of the
order that has it, and so is the completion that sold it. They lack the file, too: the one of the backup stays
where the events say that the listing has one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from common.base.money import Money
from common.contract.deleted_users import deleted_users
from common.contract.details import Delivery, Details
from common.contract.events import TicketCreated, TicketUpdated, TicketWithdrawn
from common.messaging.stream import Stream
from common.persistence.mongo import Database, Document
from common.persistence.replay import Projection, Replay, replayed
from common.persistence.roll_forward import RollForward, marked, summary
from tickets.domain import Ticket
from tickets.files.record import file_of
from tickets.publishers import publishers
from tickets.rebuild import CLAIMS, Claim, rebuild
from tickets.repository import Repositories


def ticket_fields(event: TicketCreated | TicketUpdated | TicketWithdrawn) -> Mapping[str, Any]:
    if isinstance(event, TicketWithdrawn):
        return {"withdrawn": True}
    fields: dict[str, Any] = {
        "title": event.title,
        "price_cents": event.price.cents,
        "user_id": event.user_id,
        "order_id": event.order_id if isinstance(event, TicketUpdated) else None,
    }
    if "delivery" in event.model_fields_set:
        fields["delivery"] = event.delivery
    if isinstance(event, TicketUpdated) and event.withdrawn is not None:
        fields["withdrawn"] = event.withdrawn
    return fields if event.details is None else {**fields, "details": event.details.to_document()}


TICKETS = Projection((TicketCreated, TicketUpdated, TicketWithdrawn), ticket_fields)


async def restored(stream: Stream, database: Database) -> str:
    """Returns the summary. Raises `roll_forward.Unfinished` with it where a ticket is not restored."""
    repositories = Repositories.over(database, publishers(stream))

    async with marked(database), replayed(stream, repositories.orders.documents, CLAIMS) as claims:

        async def restore(records: Sequence[Document], stored: Mapping[str, Document]) -> Sequence[Ticket]:
            return await _restore(claims, records, stored)

        own = await RollForward(stream, repositories.tickets, TICKETS, restore).run()
        async for user in deleted_users(stream):
            # The service's job withdraws what they list.
            await repositories.deleted_users.add(user.id)
        return summary(own, await rebuild(stream, database))


async def _restore(
    claims: Replay, records: Sequence[Document], stored: Mapping[str, Document]
) -> Sequence[Ticket]:
    orders = await claims.find([record["order_id"] for record in records if record["order_id"] is not None])
    return [
        _ticket(record, orders.get(record["order_id"]), stored.get(record["_id"], {})) for record in records
    ]


def _ticket(record: Document, order: Document | None, stored: Document) -> Ticket:
    claim = {} if order is None else order["fields"]
    return Ticket(
        id=record["_id"],
        version=record["version"],
        title=record["title"],
        price=Money(record["price_cents"]),
        user_id=record["user_id"],
        details=Details.from_document(record.get("details")),
        order_id=record["order_id"],
        order_price=Money(claim["price_cents"]) if claim else None,
        buyer_id=claim.get("buyer_id"),
        sold=claim.get("claim") == Claim.SOLD,
        withdrawn=record.get("withdrawn", False),
        file=file_of(stored) if record.get("delivery") == Delivery.FILE else None,
    )
