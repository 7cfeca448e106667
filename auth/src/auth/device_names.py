"""Device in a few words, such as "Firefox on Linux", from the header `User-Agent`.

For a person who looks through the own sessions, so a rough answer is enough: a dozen of words in the order in
which they decide, since most browsers name others, too. Nothing of the header itself is shown or stored.
"""

from collections.abc import Sequence

MAX_LENGTH = 512
"""Characters of the header that are looked at."""
UNKNOWN = "Unknown device"

_Rules = Sequence[tuple[str, str]]

BROWSERS: _Rules = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS: _Rules = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def device_name(user_agent: str) -> str:
    """Browser and system, what is known of them; UNKNOWN for a header that names neither."""
    text = user_agent[:MAX_LENGTH]
    known = (_first(BROWSERS, text), _first(SYSTEMS, text))
    return " on ".join(filter(None, known)) or UNKNOWN


def _first(rules: _Rules, text: str) -> str | None:
    return next((name for word, name in rules if word in text), None)
