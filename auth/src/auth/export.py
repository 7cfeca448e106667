"""What auth stores about a user, for the user's own file."""

from auth.links import LinkKind
from common.persistence.export import Exports, Section, by
from common.persistence.mongo import Database

USER = (
    *("email", "confirmed", "generation", "bounced", "language", "language_chosen", "notices"),
    *("passkeys", "passkey_handle"),
)
SESSION = ("device", "address", "created_at", "used_at", "expires_at", "ended_at")
MAIL = ("kind", "to", "language", "at", "due", "attempts", "ended", "ended_at", "expires_at")
LINK = ("kind", "email", "generation", "expires_at")


def exports(database: Database) -> Exports:
    return Exports(
        {
            "users": Section(database["users"], by("_id"), USER, ("password_hash",)),
            "sessions": Section(database["sessions"], by("user_id"), SESSION),
            # A mail's words may have a one-time link, which a stolen session must not get at.
            "mails": Section(database["mails"], by("user_id"), MAIL, ("data",)),
            "links": Section(
                database["links"],
                lambda user_id: {"_id": {"$in": [f"{kind.value}:{user_id}" for kind in LinkKind]}},
                LINK,
                ("hash",),
            ),
        }
    )
