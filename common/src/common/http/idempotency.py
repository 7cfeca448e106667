"""Header `Idempotency-Key`: marks requests that are one and the same, so that a create has its effect once.

Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

import re

from fastapi import Request
from pydantic import BaseModel

from common.base.creation import Creation
from common.base.errors import IDEMPOTENCY_KEY_INVALID, BadRequest

HEADER = "Idempotency-Key"
MAX_KEY = 64
_KEY = re.compile(rf"[\x21-\x7e]{{1,{MAX_KEY}}}")


def is_key(text: str) -> bool:
    return _KEY.fullmatch(text) is not None


def key_of(request: Request) -> str | None:
    """The key, or None without the header. Raises BadRequest for any but 1 to 64 visible ASCII characters.

    The draft writes a key in quotes and many clients do not: `"abc"` and `abc` are the same key.
    """
    given = request.headers.getlist(HEADER)
    if not given:
        return None
    key = given[0]
    if len(key) > 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if len(given) > 1 or not is_key(key):
        message = f"{HEADER} must be one key of 1 to {MAX_KEY} visible ASCII characters"
        raise BadRequest(message, code=IDEMPOTENCY_KEY_INVALID)
    return key


def creation_of(request: Request, user_id: str, body: BaseModel | str) -> Creation | None:
    """The creation that the request asks for under its key; None without a key. Raises like `key_of`.

    user_id: "" for a request without a user. body: All that makes it another request, but no secret.
    """
    key = key_of(request)
    if key is None:
        return None
    content = body if isinstance(body, str) else body.model_dump(mode="json", exclude_none=True)
    return Creation.of(request.url.path, user_id, key, content)
