"""`python -m orders restored`: brings the orders of a restored database forward to their events.

An order's own events lack some fields:

- the ticket's title and details, and the seller: an order of the backup has them, a later one takes them from
  the replica. A ticket that is held or sold can't change; only a cancelled order may show a later title;
- whether the payment was taken, given back, disputed or paid out: the events of payments say so;
- the words of a claim and of its answer: an order of the backup has them, later ones are lost.

A payment may have reached an order whose event of it was lost with the database: its effect is made good at
the end, as a change with its own event.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from common.base.money import Money
from common.contract.deleted_users import deleted_users
from common.messaging.stream import Stream
from common.persistence.mongo import ASCENDING, Database, Document, Index
from common.persistence.replay import Replay, by_id, replayed
from common.persistence.roll_forward import RollForward, marked, pages, summary
from orders import commands
from orders.domain import RETURNED, Order, PaymentState, Status, Ticket
from orders.fulfilment import commands as fulfilling
from orders.fulfilment.domain import CardDispute, Claim, Fulfilment, State
from orders.fulfilment.terms import Terms
from orders.publishers import publishers
from orders.rebuild import rebuild
from orders.repository import OrderRepository, Repositories, TicketReplica
from orders.restored_events import AWAITING, ENDED, LIVE, ORDERS, PAYMENTS


@dataclass(frozen=True, slots=True)
class _Known:
    """Fields of an order that its events lack, as the order of the backup has them, or the replica."""

    ticket: Ticket
    seller_id: str | None
    claim: Claim | None = None


async def restored(stream: Stream, database: Database, terms: Terms) -> str:
    """Returns the summary. Raises `roll_forward.Unfinished` with it where an order is not restored."""
    repositories = Repositories.over(database, publishers(stream))
    orders = repositories.orders
    async with marked(database):
        replicas = await rebuild(stream, database)
        async with replayed(stream, orders.documents, PAYMENTS) as payments:
            by_order = Index([("fields.order_id", ASCENDING)], name="of_order")
            await payments.documents.create_indexes([by_order])

            async def restore(records: Sequence[Document], stored: Mapping[str, Document]) -> Sequence[Order]:
                known = await _known(repositories.tickets, orders, records, stored)
                return await _restore(payments, records, known)

            own = await RollForward(stream, orders, ORDERS, restore).run()
            async for user in deleted_users(stream):
                # The service's job cancels their open orders.
                await repositories.deleted_users.add(user.id)
            try:
                lacked = [await _apply(repositories, terms, page) async for page in pages(payments.documents)]
            finally:
                await orders.relay.drained()
        return summary(own, replicas, f"payments   {sum(lacked)} orders lacked the state of their payment")


async def _known(
    replica: TicketReplica,
    orders: OrderRepository,
    records: Sequence[Document],
    stored: Mapping[str, Document],
) -> Mapping[str, _Known]:
    """By the order's id; without the orders of which nothing is known."""
    known = {order_id: _of_backup(orders.from_document(document)) for order_id, document in stored.items()}
    lacking = [record for record in records if _lacks_seller(known.get(record["_id"]))]
    listings = await asyncio.gather(*(replica.listing(record["ticket_id"]) for record in lacking))
    for record, listing in zip(lacking, listings, strict=True):
        if listing is not None:
            before = known.get(record["_id"])
            ticket = listing.ticket if before is None else before.ticket
            known[record["_id"]] = _Known(ticket, listing.seller_id, None if before is None else before.claim)
    return known


def _of_backup(order: Order) -> _Known:
    return _Known(order.ticket, order.seller_id, None if order.fulfilment is None else order.fulfilment.claim)


def _lacks_seller(known: _Known | None) -> bool:
    return known is None or known.seller_id is None


async def _restore(
    payments: Replay, records: Sequence[Document], known: Mapping[str, _Known]
) -> Sequence[Order]:
    ids = [record["_id"] for record in records]
    found = _by_order(await payments.documents.find({"fields.order_id": {"$in": ids}}))
    return [
        _order(record, known[record["_id"]], found.get(record["_id"], {}))
        for record in records
        if record["_id"] in known
    ]


def _by_order(payments: Sequence[Document]) -> Mapping[str, Document]:
    """Fields of each order's payment, and of its payout."""
    found: dict[str, Document] = {}
    for payment in payments:
        fields = payment["fields"]
        found.setdefault(fields["order_id"], {}).update(fields)
    return found


def _order(record: Document, known: _Known, payment: Document) -> Order:
    status = Status(record["status"])
    fulfilment = _fulfilment(record, known, payment)
    return Order(
        id=record["_id"],
        version=record["version"],
        user_id=record["user_id"],
        ticket=Ticket(
            known.ticket.id, known.ticket.title, Money(record["price_cents"]), known.ticket.details
        ),
        expires_at=record["expires_at"],
        status=status,
        payment=_payment(status, fulfilment, record.get("settled", False), payment.get("state")),
        ended_because=record.get("ended_because"),
        ended_at=record.get("ended_at"),
        completed_at=record.get("completed_at"),
        seller_id=record.get("seller_id", known.seller_id),
        fulfilment=fulfilment,
    )


def _fulfilment(record: Document, known: _Known, payment: Document) -> Fulfilment | None:
    if "fulfilment" not in record:
        return None
    dispute, payout = payment.get("card_dispute"), payment.get("payout_cents")
    return Fulfilment(
        State(record["fulfilment"]),
        deliver_by=record.get("deliver_by"),
        accept_by=record.get("accept_by"),
        claim=known.claim,
        card_dispute=None if dispute is None else CardDispute(dispute),
        payout=None if payout is None else Money(payout),
    )


def _payment(
    status: Status, fulfilment: Fulfilment | None, settled: bool, state: str | None
) -> PaymentState | None:
    """The state that the order's own last event had: what came later takes effect at the end."""
    if status is not Status.COMPLETE:
        ended = PaymentState.VOIDED if state == PaymentState.VOIDED else PaymentState.CAPTURED
        return ended if settled else None
    decided = fulfilment is not None and fulfilment.state in (State.ACCEPTED, State.REFUNDED)
    match state:
        case PaymentState.REFUNDED:
            return PaymentState.REFUNDED if decided else PaymentState.CAPTURED
        case PaymentState.VOIDED:
            return PaymentState.VOIDED if settled or decided else PaymentState.AUTHORIZED
        case PaymentState.CAPTURED:
            return PaymentState.CAPTURED if settled else PaymentState.AUTHORIZED
        case _:
            return PaymentState.AUTHORIZED


async def _apply(repositories: Repositories, terms: Terms, payments: Sequence[Document]) -> int:
    """Applies the payments' states to their orders; returns how many orders lacked one."""
    states = _by_order(payments)
    found = await by_id(repositories.orders.documents, list(states))
    orders = map(repositories.orders.from_document, found.values())
    return sum([await _follow(repositories, terms, order, states[order.id]) for order in orders])


async def _follow(repositories: Repositories, terms: Terms, order: Order, payment: Document) -> bool:
    """Whether the order lacked a part of its payment's state."""
    orders, state = repositories.orders, payment.get("state")
    lacked = _lacks(order, state)
    if lacked and state == AWAITING:
        await commands.await_payment(orders, order.id)
    elif lacked:
        await commands.complete(repositories, order.id, terms)
        if state in ENDED:
            await commands.settle(orders, order.id, PaymentState(state))
    return await _follow_fulfilment(orders, order, payment) or lacked


async def _follow_fulfilment(orders: OrderRepository, order: Order, payment: Document) -> bool:
    fulfilment, lacked = order.fulfilment, False
    if fulfilment is None:
        return False
    if (dispute := payment.get("card_dispute")) not in (None, fulfilment.card_dispute):
        await fulfilling.dispute_at_bank(orders, order.id, dispute == CardDispute.OPEN)
        lacked = True
    if (cents := payment.get("payout_cents")) is not None and fulfilment.payout is None:
        await fulfilling.pay_out(orders, order.id, Money(cents))
        lacked = True
    return lacked


def _lacks(order: Order, state: str | None) -> bool:
    if state is None:
        return False
    if state == AWAITING:
        return order.status is Status.CREATED
    ended = state in ENDED and order.payment != state and order.payment not in RETURNED
    return order.status in LIVE or ended
