"""The generation of a stored user: the count of changes of the password."""

from auth.domain import User
from common.persistence.mongo import Query


def generation_of(user: User) -> Query | int:
    """Query of the user's generation. The first is not stored, and None matches what is absent."""
    return user.generation or {"$in": [None, 0]}
