"""Marks texts for the translation catalogues, without importing `languages`."""


def gettext_noop(words: str) -> str:
    """Marks a text that is translated later, where it is shown."""
    return words
