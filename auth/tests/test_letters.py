"""Letters: both languages, text and HTML alike, and no value of a user's that changes their form."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest
from markupsafe import escape

from auth.mail.addresses import NotAnAddress
from auth.mail.kinds import (
    CONTENTS,
    AccountDeleted,
    AddressChange,
    AddressChanged,
    Bought,
    Confirm,
    Content,
    Delivered,
    Disputed,
    HoldEnding,
    Kind,
    NewDevice,
    NotAPath,
    PaidOut,
    PasskeyAdded,
    PasskeyRemoved,
    PasswordChanged,
    PaymentVoided,
    Refunded,
    Reset,
    SaleRefunded,
    Sold,
)
from auth.mail.languages import LANGUAGES
from auth.mail.letters import MAX_VALUE, Letters, one_line
from auth.mail.mails import Mail
from auth.mail.unsubscribing import Unsubscribing

AT = datetime(2026, 11, 27, 12, 30, tzinfo=UTC)
PATH = "/auth/reset?token=a_b-c&next=1"
LINK = f"https://shop.test{PATH}"
UNSUBSCRIBING = Unsubscribing.derived_from("a secret")
LETTERS = Letters("mail@shop.test", "https://shop.test", UNSUBSCRIBING)

SALE: dict[str, Any] = {"path": PATH, "title": "Opera", "day": "2026-12-24", "cents": 123456}
ONE_OF_EACH: dict[Kind, Content] = {
    Kind.CONFIRM: Confirm(path=PATH),
    Kind.RESET: Reset(path=PATH),
    Kind.ADDRESS_CHANGE: AddressChange(path=PATH),
    Kind.ADDRESS_CHANGED: AddressChanged(path=PATH, at=AT),
    Kind.PASSWORD_CHANGED: PasswordChanged(path=PATH, at=AT),
    Kind.NEW_DEVICE: NewDevice(path=PATH, at=AT, device="Firefox on Linux"),
    Kind.PASSKEY_ADDED: PasskeyAdded(path=PATH, at=AT, name="Phone"),
    Kind.PASSKEY_REMOVED: PasskeyRemoved(path=PATH, at=AT, name="Phone"),
    Kind.ACCOUNT_DELETED: AccountDeleted(path=PATH, at=AT),
    Kind.BOUGHT: Bought(**SALE),
    Kind.SOLD: Sold(**SALE),
    Kind.HOLD_ENDING: HoldEnding(**SALE, until=AT),
    Kind.PAYMENT_VOIDED: PaymentVoided(**SALE),
    Kind.DELIVERED: Delivered(**SALE, until=AT),
    Kind.DISPUTED: Disputed(**SALE),
    Kind.REFUNDED: Refunded(**SALE),
    Kind.SALE_REFUNDED: SaleRefunded(**SALE),
    Kind.PAID_OUT: PaidOut(**SALE, paid_cents=120000),
}


def _mail(content: Content, language: str = "en", mail_id: str = "mail", to: str = "ada@shop.test") -> Mail:
    return Mail(mail_id, content, "user", to, language, None, AT)


def _received(mail: Mail) -> EmailMessage:
    """As a reader of mail parses what was sent."""
    message = message_from_bytes(LETTERS.compose(mail).as_bytes(), policy=SMTP)
    assert isinstance(message, EmailMessage)
    return message


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    text: str = part.get_content()
    return text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", list(Kind))
def test_a_mail_of_each_kind_has_text_and_html_with_the_link_in_both(kind: Kind, language: str) -> None:
    message = _received(_mail(ONE_OF_EACH[kind], language))

    text, html = _part(message, "plain"), _part(message, "html")
    assert message["From"] == "GitTix <mail@shop.test>"
    assert message["To"] == "ada@shop.test"
    assert message["Date"].datetime == AT
    assert LINK in text.splitlines()
    assert html.count(LINK.replace("&", "&amp;")) == 3
    assert str(escape(message["Subject"])) in html
    assert ("请" in text or "您" in text) is (language == "zh")
    assert "src=" not in html
    assert "<script" not in html


def test_every_kind_has_a_content() -> None:
    assert set(CONTENTS) == set(Kind) == set(ONE_OF_EACH)


def test_a_mail_that_is_sent_again_is_the_same_in_each_byte() -> None:
    mail = _mail(ONE_OF_EACH[Kind.RESET])

    once, again = (LETTERS.compose(mail) for _ in range(2))

    assert once.as_bytes() == again.as_bytes()
    assert once["Message-ID"] != LETTERS.compose(_mail(mail.content, mail_id="b"))["Message-ID"]


@pytest.mark.parametrize(
    "device",
    [
        "Firefox\r\nBcc: eve@evil.test\r\n\r\nBuy here",
        "a\n\nb\u2028c\u2029d\x00e\x1bf\x85g",
        "\u202ereversed\u2066",
        "x" * 1_000_000,
        "\ud800 lone",
        "<img src=//evil.test><script>alert(1)</script>{{ 7 * 7 }}",
        "音乐会 🎫 مهرجان",
    ],
)
def test_no_value_changes_the_form_of_a_mail(device: str) -> None:
    plain = _received(_mail(ONE_OF_EACH[Kind.NEW_DEVICE]))
    hostile = _received(_mail(NewDevice(path=PATH, at=AT, device=device)))

    assert hostile.keys() == plain.keys()
    assert hostile["Bcc"] is None
    assert len(_part(hostile, "plain").splitlines()) == len(_part(plain, "plain").splitlines())
    assert _part(hostile, "html").count("<") == _part(plain, "html").count("<")
    assert len(hostile.as_bytes()) < len(plain.as_bytes()) + 12 * MAX_VALUE
    assert "\u202e" not in _part(hostile, "plain")


def test_a_value_keeps_its_script() -> None:
    name = "音乐会 🎫 क्\u200dष नमस्ते"
    assert one_line(name) == name
    assert one_line("e" * 201) == "e" * 199 + "…"


@pytest.mark.parametrize(
    "path", ["https://evil.test/", "//evil.test/", "/\\evil.test", "", "/a b", "/a\r\nBcc: x", "/é"]
)
def test_a_link_is_a_path_of_the_site(path: str) -> None:
    with pytest.raises(NotAPath):
        Reset(path=path)


def test_the_secret_of_a_link_is_in_no_repr() -> None:
    assert "token" not in repr(_mail(ONE_OF_EACH[Kind.RESET]))


@pytest.mark.parametrize(
    "to", ["a@b.test\r\nBcc: eve@evil.test", "a@b.test, eve@evil.test", "", "no address"]
)
def test_a_mail_to_anything_but_one_address_is_refused(to: str) -> None:
    with pytest.raises(NotAnAddress):
        LETTERS.compose(_mail(ONE_OF_EACH[Kind.CONFIRM], to=to))


@pytest.mark.parametrize(
    ("to", "sent"),
    [("ada@bücher.test", "ada@xn--bcher-kva.test"), ("阿达@例子.test", "阿达@xn--fsqu00a.test")],
)
def test_a_domain_beyond_ascii_is_sent_in_ascii(to: str, sent: str) -> None:
    assert LETTERS.compose(_mail(ONE_OF_EACH[Kind.CONFIRM], to=to))["To"].addresses[0].addr_spec == sent


@pytest.mark.parametrize("kind", list(Kind))
def test_a_mail_that_can_be_turned_off_says_how_to_readers_and_programs(kind: Kind) -> None:
    raw = LETTERS.compose(_mail(ONE_OF_EACH[kind])).as_bytes()
    message = _received(_mail(ONE_OF_EACH[kind]))
    link = f"https://shop.test{UNSUBSCRIBING.path('user')}"

    is_optional = kind in (Kind.SOLD, Kind.HOLD_ENDING)
    assert (f"List-Unsubscribe: <{link}>\r\n".encode() in raw) is is_optional
    assert (message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click") is is_optional
    assert (link in _part(message, "plain")) is is_optional
    assert (link in _part(message, "html")) is is_optional


def test_an_unsubscribe_link_names_its_user_and_can_not_be_made_without_the_key() -> None:
    user_id = "65f0aaaaaaaaaaaaaaaaaaaa"
    token = UNSUBSCRIBING.token(user_id)

    assert UNSUBSCRIBING.user_of(token) == user_id
    for forged in ("", user_id, f"{user_id}.", token[:-1], f"65f1{token[4:]}", f"{token}x", "é.x"):
        assert UNSUBSCRIBING.user_of(forged) is None
    assert Unsubscribing.derived_from("another secret").user_of(token) is None


def test_a_sale_is_named_with_its_price_and_its_day_if_there_is_one() -> None:
    text = _part(_received(_mail(Bought(**SALE))), "plain")
    assert '"Opera" on 2026-12-24' in text
    assert "$1,234.56" in text
    assert '"Opera". The' in _part(_received(_mail(Bought(**{**SALE, "day": ""}))), "plain")
