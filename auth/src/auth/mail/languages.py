"""Languages of mails: codes as in the cookie `language` of the pages."""

ENGLISH, CHINESE = "en", "zh"
LANGUAGES = (ENGLISH, CHINESE)


_MOST = 100
"""Characters of `Accept-Language` that are read."""


def asked(header: str) -> str:
    """The first of `Accept-Language` (RFC 9110, section 12.5.4), without regard to weights; "" if not ours.

    The pages send exactly one: their own.
    """
    first = header[:_MOST].partition(",")[0].partition(";")[0]
    code = first.strip().lower().partition("-")[0]
    return code if code in LANGUAGES else ""


def known(code: object) -> str:
    """The code if mails are written in its language, else English."""
    return code if isinstance(code, str) and code in LANGUAGES else ENGLISH
