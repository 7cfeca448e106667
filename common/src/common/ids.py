"""Record ids: 24 hexadecimal digits that grow with time, so that a key also orders by creation."""

import re

from bson import ObjectId

_SHAPE = re.compile(r"[0-9a-f]{24}")


def new_id() -> str:
    return str(ObjectId())


def is_id(text: str) -> bool:
    return _SHAPE.fullmatch(text) is not None
