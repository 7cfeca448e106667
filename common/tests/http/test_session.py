from time import time

import pytest
from fastapi import FastAPI, Request, Response

from common.base.errors import EmailNotConfirmed, NotAuthorized
from common.base.identity import CurrentUser
from common.http.session import COOKIE_LIFETIME, trader
from common.http.session_keys import PrivateKey
from common.testing.browser import SESSIONS, sessions

ADA = CurrentUser("a" * 24, "hers")
EVE = CurrentUser("e" * 24, "her own")

good = SESSIONS.token(ADA)


def test_over_http_the_cookie_is_plain_and_out_of_reach_of_scripts() -> None:
    response = Response()
    SESSIONS.start(response, ADA)

    name, value, attributes = cookie_of(response)
    assert (name, SESSIONS.read(value)) == ("session", ADA)
    assert attributes == {
        "httponly",
        "samesite=lax",
        "path=/",
        f"max-age={int(COOKIE_LIFETIME.total_seconds())}",
    }


def test_over_https_the_cookie_is_secure_and_tied_to_its_host() -> None:
    there = sessions(secure=True)
    response = Response()
    there.start(response, ADA)

    name, _, attributes = cookie_of(response)
    assert name == there.cookie == "__Host-session"
    assert {"secure", "httponly", "path=/"} <= attributes
    assert not any(attribute.startswith("domain") for attribute in attributes)


@pytest.mark.parametrize("secure", [False, True])
def test_signing_out_clears_the_same_cookie(secure: bool) -> None:
    there = sessions(secure=secure)
    response = Response()
    there.end(response)

    name, value, attributes = cookie_of(response)
    assert (name, value) == (there.cookie, '""')
    assert {"max-age=0", "path=/", "httponly", "samesite=lax"} <= attributes
    assert ("secure" in attributes) is secure


HERE = sessions(port=8080)
"""Sessions of a laptop's system whose edge has this port."""


def asked(*lines: str) -> Request:
    return Request({"type": "http", "headers": [(b"cookie", line.encode()) for line in lines]})


def test_a_request_without_a_session_is_nobodys() -> None:
    for lines in ((), ("",), ("session",), ("session=",), ("a=1; b=2", ";;=;"), ("xsession=" + good,)):
        assert SESSIONS.of_request(asked(*lines)) is None
    assert not SESSIONS.is_sent(asked("language=zh"))
    assert SESSIONS.is_sent(asked("session=old"))


@pytest.mark.parametrize(
    "lines",
    [
        (f"session={good}",),
        (f"session={good}; session=old",),
        (f"session=old; session={good}",),
        (f"a=1;session={good};b=2",),
        (f"session={good}", "language=zh"),
        ("language=zh", f"session={good}"),
        ("session=old", f"session={good}"),
        (f"session={good}; session={SESSIONS.token(EVE)}",),
    ],
    ids=range(8),
)
def test_of_several_session_cookies_the_first_that_verifies_counts(lines: tuple[str, ...]) -> None:
    assert SESSIONS.of_request(asked(*lines)) == ADA


def test_only_so_many_session_cookies_are_looked_at() -> None:
    old = "session=old; "

    assert SESSIONS.of_request(asked(old * 7 + f"session={good}")) == ADA
    assert SESSIONS.of_request(asked(old * 8 + f"session={good}")) is None


def test_two_systems_of_one_machine_have_cookies_of_their_own() -> None:
    other = sessions(port=18080, key=PrivateKey.generate())
    line = f"{HERE.cookie}={good}; {other.cookie}={other.token(EVE)}"

    assert HERE.cookie == "session-8080"
    assert (HERE.of_request(asked(line)), other.of_request(asked(line))) == (ADA, EVE)
    assert HERE.of_request(asked(f"session={good}")) is None


def test_over_https_no_other_name_is_a_session() -> None:
    secure = sessions(secure=True, port=8080)

    assert secure.of_request(asked(f"session={good}; session-8080={good}")) is None


def test_only_a_user_whose_address_is_confirmed_may_trade() -> None:
    unconfirmed = CurrentUser(ADA.id, "hers", may_trade=False)

    assert trader(of_an_app(SESSIONS.token(ADA))) == ADA
    with pytest.raises(EmailNotConfirmed):
        trader(of_an_app(SESSIONS.token(unconfirmed)))
    with pytest.raises(NotAuthorized):
        trader(of_an_app("old"))


def test_a_session_that_ended_is_anonymous_and_no_forgery() -> None:
    there = sessions()
    ended = CurrentUser(ADA.id, "A" * 22)
    request = asked(f"session={there.token(ended)}")
    assert there.of_request(request) == ended

    there.ended.add(ended.session_id, time())

    assert there.of_request(request) is None
    assert not there.is_forged(request)
    assert there.is_forged(asked("session=old"))


def of_an_app(token: str) -> Request:
    """A request of this session, to an app that reads sessions."""
    app = FastAPI()
    app.state.sessions = SESSIONS
    request = asked(f"session={token}")
    request.scope["app"] = app
    return request


def cookie_of(response: Response) -> tuple[str, str, set[str]]:
    pair, *attributes = response.headers["set-cookie"].split("; ")
    name, _, value = pair.partition("=")
    return name, value, {attribute.lower() for attribute in attributes if "expires" not in attribute}
