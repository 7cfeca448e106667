"""What payments stores about a user, for the user's own file."""

from common.persistence.export import Exports, Section, by
from common.persistence.mongo import Database

PAYMENT = ("version", "order_id", "amount_cents", "status", "open", "intent_id", "attempt")
ATTEMPT = ("payment_id", "status", "number", "amount_cents", "started_at", "check_at", "declines", "words")
WINDOW = ("at", "expires_at")


def exports(database: Database) -> Exports:
    return Exports(
        {
            "payments": Section(database["payments"], by("user_id"), PAYMENT, ("client_secret",)),
            # An attempt's id is its order's. The provider's number of the card is good for a charge.
            "attempts": Section(database["attempts"], by("user_id"), ATTEMPT, ("token",)),
            "declined_cards": Section(database["declined_cards"], by("_id"), WINDOW),
        }
    )
