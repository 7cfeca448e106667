from datetime import date
from importlib.resources import files
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from tests.conftest import As, Browser
from tests.dom import alerts, page
from tests.fake_apis import FakeApis

import client
from client.languages import CHINESE, ENGLISH, LANGUAGES, Language, duration
from common.base.money import Money
from common.testing.browser import a_user

CHINESE_BROWSER = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"}


def extracted() -> set[object]:
    """All messages that the templates and the code of this package mark."""
    found = extract_from_dir(
        Path(client.__file__).parent,
        [("**.py", "python"), ("**/templates/**.html", "jinja2")],
        {"**/templates/**.html": {"trimmed": "true", "newstyle_gettext": "true"}},
        keywords={"_": None, "ngettext": (1, 2), "gettext_noop": None},
    )
    return {message for _, _, message, _, _ in found}


def catalogue(code: str) -> Catalog:
    source = files("client").joinpath("translations", f"{code}.po").read_bytes()
    return read_po(BytesIO(source), abort_invalid=True)


@pytest.mark.parametrize("language", [one for one in LANGUAGES.values() if one is not ENGLISH])
def test_every_message_is_translated_and_no_other_is_kept(language: Language) -> None:
    known = catalogue(language.code)
    translated = {message.id for message in known if message.id and message.string and not message.fuzzy}

    assert translated == extracted()
    assert [error for message in known for error in message.check(known)] == []


@pytest.mark.parametrize(
    ("header", "tag"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.5", "zh-Hans"),
        ("en;q=0.5, zh;q=0.6", "zh-Hans"),
        ("en-GB,zh;q=0.9", "en"),
        ("fr, zh;q=0", "en"),
        ("zh;q=x", "en"),
        ("zh-TW,zh;q=0.9,en-US;q=0.8,en;q=0.7", "en"),
        ("zh-Hant-HK,zh-HK;q=0.9,zh-CN;q=0.8,en;q=0.7", "zh-Hans"),
        ("zh-MO", "zh-Hans"),
        ("zh-TW,zh;q=0.9", "zh-Hans"),
        ("zh-Hans-HK,en;q=0.5", "zh-Hans"),
        ("zh-SG,en;q=0.5", "zh-Hans"),
        ("fr,zh-TW;q=0.5", "zh-Hans"),
        ("*", "en"),
        (";;;,,q=1", "en"),
        ("", "en"),
    ],
)
async def test_a_page_speaks_the_browsers_language(browser: Browser, header: str, tag: str) -> None:
    answer = await browser.get("/", headers={"Accept-Language": header})

    assert page(answer).one("html")["lang"] == tag
    assert "Accept-Language" in answer.headers["vary"]


async def test_the_switch_is_kept_and_leads_back_to_the_page(browser: Browser) -> None:
    shown = page(await browser.get("/auth/signin?next=%2Forders"))
    form = shown.one("footer").one("form")

    answer = await browser.post(
        form["action"], data={"language": "zh", "next": form.one("input", name_="next")["value"]}
    )

    assert (answer.status_code, answer.headers["location"]) == (303, "/auth/signin?next=%2Forders")
    again = page(await browser.get("/", headers={"Accept-Language": "en"}))
    assert again.one("h1").text == "在售的票"


@pytest.mark.parametrize("code", ["xx", "", "../../etc"])
async def test_a_language_that_we_do_not_speak_is_refused(browser: Browser, code: str) -> None:
    answer = await browser.post("/language", data={"language": code, "next": "/"})

    assert answer.status_code == 400
    assert "language" not in browser.cookies


async def test_the_switch_leads_to_no_other_site(browser: Browser) -> None:
    answer = await browser.post("/language", data={"language": "zh", "next": "//evil.test"})

    assert answer.headers["location"] == "/"


async def test_the_refusal_of_an_api_is_translated(as_user: As, apis: FakeApis) -> None:
    ticket = apis.sell()
    apis.order(a_user(), ticket)

    answer = await as_user(a_user()).post(
        f"/tickets/{ticket.id}/purchase", data={"price": "20"}, headers=CHINESE_BROWSER
    )

    assert alerts(page(answer)) == ["这张票已被预留"]


async def test_a_providers_message_stays_unchanged_and_is_escaped(as_user: As, apis: FakeApis) -> None:
    buyer = a_user()
    order = apis.order(buyer)
    apis.provider_says = "Do <b>not</b> honor 100%(now)s"

    answer = await as_user(buyer).post(
        f"/orders/{order.id}/pay", data={"token": "tok_chargeDeclined"}, headers=CHINESE_BROWSER
    )

    assert alerts(page(answer)) == ["Do <b>not</b> honor 100%(now)s"]


def test_prices_and_days_are_written_as_the_language_does() -> None:
    assert (ENGLISH.price(Money(123456)), CHINESE.price(Money(123456))) == ("$1,234.56", "US$1,234.56")
    day = date(2027, 5, 31)
    assert (ENGLISH.day(day), CHINESE.day(day)) == ("Mon, May 31, 2027", "2027年5月31日周一")
    assert (ENGLISH.month(day), CHINESE.month(day)) == ("May 2027", "2027年5月")
    assert (ENGLISH.weekday(day), CHINESE.weekday(day)) == ("Mon", "周一")


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (900, "15 minutes", "15 分钟"),
        (60, "1 minute", "1 分钟"),
        (5, "5 seconds", "5 秒"),
        (90, "90 seconds", "90 秒"),
    ],
)
def test_a_duration_is_written_exactly(seconds: int, english: str, chinese: str) -> None:
    written = [duration(language.catalogue(), seconds) for language in (ENGLISH, CHINESE)]
    assert written == [english, chinese]


def test_the_first_and_the_last_day_of_the_calendar_can_be_written() -> None:
    for day in (date.min, date.max):
        assert ENGLISH.day(day)
        assert CHINESE.day(day)
