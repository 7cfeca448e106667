"""`ETag` and `If-Match`: a write that names the version that was read (RFC 9110, 8.8.3 and 13.1.1)."""

import re
from collections.abc import Collection

from fastapi import Request

from common.base.errors import IF_MATCH_INVALID, BadRequest

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_TAGS = re.compile(rf"\s*{_TAG}(?:\s*,\s*{_TAG})*\s*")
_VERSION = re.compile(r'(?<!W/)"([0-9]{1,15})"')


def etag(version: int) -> str:
    """The strong validator of a record's version: `"7"`."""
    return f'"{version}"'


def expected_versions(request: Request) -> Collection[int] | None:
    """The versions that `If-Match` names; None for any, without the header or with `*`.

    A weak tag, or one that is no version of ours, matches none. Raises BadRequest for a malformed header.
    """
    given = ",".join(request.headers.getlist("If-Match"))
    if "if-match" not in request.headers or given.strip() == "*":
        return None
    if _TAGS.fullmatch(given) is None:
        raise BadRequest('If-Match must hold entity tags, such as "7"', code=IF_MATCH_INVALID)
    return frozenset(int(version) for version in _VERSION.findall(given))
