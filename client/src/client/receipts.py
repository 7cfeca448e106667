"""The QR code of a receipt, and the code of one in a link that people pass on."""

import re

import segno
from markupsafe import Markup

_AFTER = re.compile("[^A-Za-z0-9_-]+$")


def trimmed(code: str) -> str:
    """A receipt's code without the punctuation after it, which mail programs take for the end of the link."""
    return _AFTER.sub("", code)


def qr_code(address: str, title: str) -> Markup:
    """Inline SVG of a QR code, black on white also in a dark page. title: Its text for screen readers."""
    code = segno.make(address, error="m", micro=False)
    # segno escapes the title.
    return Markup(code.svg_inline(scale=4, border=4, light="#fff", title=title, omitsize=True))
