"""What payments stores about a user, for the user's own file."""

from common.persistence.export import Exports, Section, by
from common.persistence.mongo import Database

PAYMENT = (
    "version",
    "order_id",
    "amount_cents",
    "status",
    "open",
    "intent_id",
    "attempt",
    "outcome",
    "dispute",
)
SALE = ("order_id", "amount_cents", "fulfilment", "outcome", "paid_cents", "entries")
CHARGE = (
    *("payment_id", "status", "number", "intent_number", "intent_id", "amount_cents"),
    *("started_at", "due_at", "check_at", "declines", "decline_id", "words"),
)
ACCOUNT = ("account_id", "ready", "due")
WINDOW = ("at", "expires_at")


def exports(database: Database) -> Exports:
    return Exports(
        {
            "payments": Section(database["payments"], by("user_id"), PAYMENT, ("client_secret",)),
            "sales": Section(database["payments"], by("seller_id"), SALE),
            "accounts": Section(database["accounts"], by("_id"), ACCOUNT),
            # A charge's id is its order's. `token` is of the last release: the provider's number of the card.
            "attempts": Section(database["attempts"], by("user_id"), CHARGE, ("token",)),
            "declined_cards": Section(database["declined_cards"], by("_id"), WINDOW),
        }
    )
