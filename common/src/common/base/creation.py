"""Request that creates one record, however often it is sent (the header `Idempotency-Key`)."""

from dataclasses import dataclass
from hashlib import blake2b

import orjson

DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Creation:
    """Digests, in hexadecimal: the client chooses the key's text, and a body may be private.

    key: Of the route, the user and the client's key. Two users may choose the same key.
    fingerprint: Of the body. A repeated request has the same one.
    path: Path of the collection, such as "/api/tickets".
    """

    key: str
    fingerprint: str
    path: str

    @classmethod
    def of(cls, path: str, user_id: str, key: str, body: object) -> "Creation":
        """user_id: "" for a request without a user. body: As plain JSON types, without fields that are null.

        Fields that a request leaves out change no fingerprint, so that a release may add optional ones.
        """
        return cls(_digest([path, user_id, key]), _digest(body), path)


def _digest(content: object) -> str:
    return blake2b(orjson.dumps(content, option=orjson.OPT_SORT_KEYS), digest_size=DIGEST_BYTES).hexdigest()
