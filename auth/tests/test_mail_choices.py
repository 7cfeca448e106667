"""The language of a mail, and the link that turns notices off."""

from urllib.parse import parse_qs, urlsplit

import pytest

from auth.mail import languages
from auth.mail.unsubscribing import Unsubscribing


@pytest.mark.parametrize(
    ("header", "code"),
    [
        *(("zh", "zh"), ("zh, en;q=0.5", "zh"), ("zh;q=0.8", "zh"), ("ZH-hans-CN,en", "zh")),
        *(("en-GB;q=1,zh", "en"), ("fr, zh", ""), ("", ""), (f"{' ' * 99}zh", "")),
    ],
)
def test_the_first_language_that_is_asked_for_counts(header: str, code: str) -> None:
    assert languages.asked(header) == code


@pytest.mark.parametrize(
    ("code", "known"), [("zh", "zh"), ("en", "en"), ("fr", "en"), (None, "en"), ([], "en")]
)
def test_a_mail_without_a_language_of_ours_is_in_english(code: object, known: str) -> None:
    assert languages.known(code) == known


def test_the_link_of_a_user_turns_off_that_users_notices_alone() -> None:
    unsubscribing = Unsubscribing.derived_from("secret")
    link = urlsplit(unsubscribing.path("u1"))
    ((name, (token,)),) = parse_qs(link.query).items()

    assert (link.path, name) == ("/unsubscribe", "token")
    assert unsubscribing.user_of(token) == "u1"
    assert unsubscribing.user_of(token.replace("u1", "u2")) is None
    assert Unsubscribing.derived_from("other").user_of(token) is None
