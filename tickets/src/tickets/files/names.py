"""The name of a file, as its seller called it and as it is downloaded."""

import unicodedata
from urllib.parse import quote

from common.base.characters import BIDI_CONTROLS, is_visible

LONGEST = 100
DEFAULT = "ticket"
_UNWANTED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_RESERVED = frozenset('<>:"/\\|?*%;')
ENDINGS = {"application/pdf": ".pdf", "image/jpeg": ".jpg"}


def cleaned(given: str, content_type: str) -> str:
    """The name alone, without a path and what a file system or a reader can't bear, with the type's ending.

    `../My ticket.PNG` of an `image/jpeg` is `My ticket.jpg`.
    """
    last = given.replace("\\", "/").rpartition("/")[2]
    stem = last.rpartition(".")[0] if "." in last else last
    stem = "".join(filter(_is_wanted, stem)).strip(" .")[:LONGEST].strip()
    return (stem if any(map(is_visible, stem)) else DEFAULT) + ENDINGS[content_type]


def _is_wanted(character: str) -> bool:
    unwanted = unicodedata.category(character) in _UNWANTED
    return not (unwanted or character in _RESERVED or character in BIDI_CONTROLS)


def disposition(name: str) -> str:
    """`Content-Disposition` of a download (RFC 6266)."""
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"
