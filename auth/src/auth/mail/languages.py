"""Languages of mails: codes as in the cookie `language` of the pages."""

ENGLISH, CHINESE = "en", "zh"
LANGUAGES = (ENGLISH, CHINESE)


def known(code: object) -> str:
    """The code if mails are written in its language, else English."""
    return code if isinstance(code, str) and code in LANGUAGES else ENGLISH
