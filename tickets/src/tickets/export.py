"""What tickets stores about a user, for the user's own file: the listings, none of their buyers."""

from common.persistence.export import Exports, Section, by
from common.persistence.mongo import Database

TICKET = (
    *("version", "title", "details", "price_cents", "order_id", "order_price_cents"),
    *("sold", "withdrawn", "on_sale", "file"),
)
SECRETS = ("sealed", "barcodes")
WINDOW = ("at", "expires_at")


def exports(database: Database) -> Exports:
    return Exports(
        {
            "tickets": Section(database["tickets"], by("user_id"), TICKET, SECRETS),
            "new_listings": Section(database["new_listings"], by("_id"), WINDOW),
        }
    )
