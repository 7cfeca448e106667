"""What orders stores about a user, for the user's own file: the orders as their buyer."""

from common.persistence.export import Exports, Section, by
from common.persistence.mongo import Database

ORDER = (
    *("version", "ticket", "status", "payment", "ended_because"),
    *("completed_at", "ended_at", "expires_at", "reservation"),
)


def exports(database: Database) -> Exports:
    return Exports({"orders": Section(database["orders"], by("user_id"), ORDER)})
