"""MAIL_URL: where the mail server is, and when TLS is required."""

import pytest

from auth.mail.server import BadMailUrl, MailServer


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.test", MailServer("mail.test", 587, False)),
        ("smtp://127.0.0.1:1025/", MailServer("127.0.0.1", 1025, False)),
        ("smtps://ada:p%40ss%3A@mail.test", MailServer("mail.test", 465, True, "ada", "p@ss:")),
        ("smtp://[::1]:25", MailServer("::1", 25, False)),
    ],
)
def test_a_url_names_host_port_and_login(url: str, server: MailServer) -> None:
    assert MailServer.parse(url) == server


@pytest.mark.parametrize(
    "url",
    [
        *("", "mail.test", "http://mail.test", "smtp://", "smtp://mail.test:port", "smtp://mail.test:0"),
        *("smtp://mail.test:70000", "smtp://mail.test/path", "smtp://mail.test?a=b", "smtp://[mail.test"),
        *("smtp://ada@mail.test", "smtp://:secret@mail.test:x"),
    ],
)
def test_a_malformed_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(BadMailUrl) as refused:
        MailServer.parse(url)

    assert "secret" not in str(refused.value)


def test_a_password_requires_tls_but_on_this_machine() -> None:
    assert MailServer.parse("smtp://ada:secret@mail.test").must_upgrade
    assert not MailServer.parse("smtp://ada:secret@127.0.0.1").must_upgrade
    assert not MailServer.parse("smtps://ada:secret@mail.test").must_upgrade
    assert not MailServer.parse("smtp://mail.test").must_upgrade
    assert "secret" not in repr(MailServer.parse("smtp://ada:secret@mail.test"))
