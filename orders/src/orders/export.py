"""What orders stores about a user, for the user's own file: orders as their buyer, sales as their seller."""

from common.persistence.export import Exports, Section, by
from common.persistence.mongo import Database, Query
from orders.repository import FULFILLED

FULFILMENT = ("fulfilment", "deliver_by", "accept_by", "claim", "card_dispute", "refunded")
ORDER = (
    *("version", "ticket", "status", "payment", "ended_because"),
    *("completed_at", "ended_at", "expires_at", "reservation", *FULFILMENT),
)
SALE = ("version", "ticket", "payment", "completed_at", "payout_cents", *FULFILMENT)


def _of_seller(user_id: str) -> Query:
    return {"seller_id": user_id, **FULFILLED}


def exports(database: Database) -> Exports:
    orders = database["orders"]
    return Exports(
        {"orders": Section(orders, by("user_id"), ORDER), "sales": Section(orders, _of_seller, SALE)}
    )
