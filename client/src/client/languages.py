"""Language of a page, and the format of prices, days and months in it.

Templates and this package contain English texts, which are the keys of the catalogues in `translations/`
(GNU gettext's PO files). The catalogues are read at the start.
"""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from gettext import NullTranslations
from importlib.resources import files
from io import BytesIO

from babel.dates import format_skeleton
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency
from babel.support import Translations
from fastapi import Request

from client import own_cookies
from common.base.money import Money

COOKIE = "language"
CURRENCY = "USD"


@dataclass(frozen=True, slots=True)
class Language:
    """A language. code: Value of the cookie, name of the catalogue. tag: Value of HTML's `lang` (BCP 47)."""

    code: str
    name: str
    tag: str
    locale: str

    def price(self, money: Money) -> str:
        return _price(money.cents, self.locale)

    def day(self, date: datetime.date) -> str:
        """A day with its weekday: Mon, May 31, 2027."""
        return format_skeleton("yMMMEd", _noon(date), locale=self.locale)

    def month(self, date: datetime.date) -> str:
        """The short name of the month, with the year: May 2027."""
        return format_skeleton("yMMM", _noon(date), locale=self.locale)

    def weekday(self, date: datetime.date) -> str:
        """The short name of the weekday: Mon."""
        return format_skeleton("E", _noon(date), locale=self.locale)

    def catalogue(self) -> NullTranslations:
        """The translations. English has none: its texts are the keys."""
        if self is ENGLISH:
            return NullTranslations()
        source = files("client").joinpath("translations", f"{self.code}.po").read_bytes()
        compiled = BytesIO()
        write_mo(compiled, read_po(BytesIO(source), locale=self.locale))
        compiled.seek(0)
        return Translations(compiled)


ENGLISH = Language("en", "English", "en", "en_US")
CHINESE = Language("zh", "中文", "zh-Hans", "zh_Hans_CN")
TRADITIONAL = frozenset({"hant", "tw", "hk", "mo"})
LANGUAGES = {language.code: language for language in (ENGLISH, CHINESE)}


def duration(catalogue: NullTranslations, seconds: int) -> str:
    """Hours or minutes where `seconds` are whole ones: `2 hours`, `15 minutes`; else seconds: `90 seconds`.

    An hour alone is 60 minutes.
    """
    ngettext = catalogue.ngettext
    if seconds >= 7_200 and seconds % 3_600 == 0:
        return ngettext("%(num)s hour", "%(num)s hours", seconds // 3_600) % {"num": seconds // 3_600}
    if seconds % 60:
        return ngettext("%(num)s second", "%(num)s seconds", seconds) % {"num": seconds}
    return ngettext("%(num)s minute", "%(num)s minutes", seconds // 60) % {"num": seconds // 60}


def language_of(request: Request) -> Language:
    """Language of the switch's cookie, else the browser's first preference that we support, else English."""
    chosen = LANGUAGES.get(own_cookies.left(request, COOKIE))
    return chosen or _preferred(request.headers.get("accept-language", ""))


@lru_cache(maxsize=512)
def _preferred(header: str) -> Language:
    """Language by `Accept-Language` (RFC 9110, section 12.5.4). Reads the first 200 characters.

    Our Chinese is Simplified: not what a reader of Traditional asks for. He gets it only where he asks for no
    other language of ours. A bare `zh` is then an addition of his browser, as in `zh-TW,zh;q=0.9,en;q=0.8`.
    """
    last_resort = ENGLISH
    for tag in _by_weight(header[:200].split(",")):
        if _is_traditional(tag) or (tag == "zh" and last_resort is CHINESE):
            last_resort = CHINESE
            continue
        language = LANGUAGES.get(tag.partition("-")[0])
        if language is not None:
            return language
    return last_resort


def _is_traditional(tag: str) -> bool:
    """Whether a tag means Chinese in Traditional characters: by its script, else by its region."""
    language, *rest = tag.split("-")
    return language == "zh" and "hans" not in rest and not TRADITIONAL.isdisjoint(rest)


def _by_weight(ranges: Iterable[str]) -> list[str]:
    weighted: list[tuple[float, int, str]] = []
    for entry in ranges:
        tag, _, parameter = entry.strip().lower().partition(";")
        weight = _weight(parameter)
        if weight > 0:
            weighted.append((-weight, len(weighted), tag.strip()))
    return [tag for _, _, tag in sorted(weighted)]


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


@lru_cache(maxsize=4096)
def _price(cents: int, locale: str) -> str:
    return format_currency(Decimal(cents) / 100, CURRENCY, locale=locale)


def _noon(date: datetime.date) -> datetime.datetime:
    """Noon of a calendar day, in UTC, so that a time zone doesn't move it to the next day."""
    return datetime.datetime.combine(date, datetime.time(12), datetime.UTC)
