import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from fastapi import Request, Response

from common.base.identity import CurrentUser
from common.http.session import COOKIE_LIFETIME, LIFETIME, Sessions
from common.testing.browser import JWT_KEY, SESSIONS

ADA = CurrentUser("a" * 24, "ada@example.test")
NOW = datetime.now(UTC)
CLAIMS: dict[str, Any] = {"sub": ADA.id, "email": ADA.email, "iat": NOW, "exp": NOW + timedelta(hours=1)}


def a_token(key: str = JWT_KEY, algorithm: str = "HS256", **claims: object) -> str:
    return jwt.encode({**CLAIMS, **claims}, key, algorithm=algorithm)


def without(claim: str) -> str:
    return jwt.encode({k: v for k, v in CLAIMS.items() if k != claim}, JWT_KEY, algorithm="HS256")


def unsigned(algorithm: str) -> str:
    parts = ({"alg": algorithm, "typ": "JWT"}, {**CLAIMS, "iat": 1, "exp": 9_999_999_999})
    encoded = (base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in parts)
    return ".".join(encoded) + "."


def test_a_session_is_read_back() -> None:
    token = SESSIONS.token(ADA)

    assert SESSIONS.read(token) == ADA
    assert SESSIONS.read(token) == ADA
    claims = jwt.decode(token, JWT_KEY, algorithms=["HS256"])
    assert set(claims) == {"sub", "email", "iat", "exp"}
    assert claims["exp"] - claims["iat"] == LIFETIME.total_seconds()


good = SESSIONS.token(ADA)


@pytest.mark.parametrize(
    "token",
    [
        *(None, "", ".", "..", "x", "\u00ff", "a.b.c", good[:-2], good[1:], good + "x", "x" * 100_000),
        good.replace(".", ".e30.", 1),
        good.split(".")[0] + "." + a_token(sub="other").split(".")[1] + "." + good.split(".")[2],
        *(unsigned("none"), unsigned("None"), unsigned("HS256")),
        a_token(key="another key of more than thirty-two bytes"),
        a_token(key=JWT_KEY * 2, algorithm="HS512"),
        a_token(exp=NOW - timedelta(seconds=1)),
        a_token(exp="never"),
        a_token(sub=5),
        *(without(claim) for claim in CLAIMS),
    ],
)
def test_a_token_that_is_not_right_is_nobody(token: str | None) -> None:
    assert SESSIONS.read(token) is None


def test_a_session_ends_when_it_expires_also_where_it_was_read_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token = SESSIONS.token(ADA)
    assert SESSIONS.read(token) == ADA

    monkeypatch.setattr("common.http.session.time", lambda: (datetime.now(UTC) + LIFETIME).timestamp())

    assert SESSIONS.read(token) is None


def test_a_session_from_a_clock_that_is_ahead_is_good() -> None:
    assert SESSIONS.read(a_token(iat=NOW + timedelta(minutes=2))) == ADA


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
    sessions = Sessions(JWT_KEY, secure=True)
    response = Response()
    sessions.start(response, ADA)

    name, _, attributes = cookie_of(response)
    assert name == sessions.cookie == "__Host-session"
    assert {"secure", "httponly", "path=/"} <= attributes
    assert not any(attribute.startswith("domain") for attribute in attributes)


@pytest.mark.parametrize("secure", [False, True])
def test_signing_out_clears_the_same_cookie(secure: bool) -> None:
    sessions = Sessions(JWT_KEY, secure)
    response = Response()
    sessions.end(response)

    name, value, attributes = cookie_of(response)
    assert (name, value) == (sessions.cookie, '""')
    assert {"max-age=0", "path=/", "httponly"} <= attributes
    assert ("secure" in attributes) is secure


HERE = Sessions(JWT_KEY, secure=False, port=8080)
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
        (f"session={good}; session={a_token(sub='b' * 24)}",),
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
    other = Sessions("the key of the other, longer than 32 bytes", secure=False, port=18080)
    eve = CurrentUser("e" * 24, "eve@example.test")
    line = f"{HERE.cookie}={HERE.token(ADA)}; {other.cookie}={other.token(eve)}"

    assert HERE.cookie == "session-8080"
    assert (HERE.of_request(asked(line)), other.of_request(asked(line))) == (ADA, eve)


def test_a_session_under_the_name_of_the_last_release_goes_on() -> None:
    assert HERE.of_request(asked(f"session={good}")) == ADA
    eve = HERE.token(CurrentUser("e" * 24, "eve@example.test"))
    assert HERE.of_request(asked(f"session={eve}; session-8080={good}")) == ADA


def test_over_https_no_other_name_is_a_session() -> None:
    secure = Sessions(JWT_KEY, secure=True, port=8080)

    assert secure.names == ("__Host-session",)
    assert secure.of_request(asked(f"session={good}; session-8080={good}")) is None


def test_signing_out_ends_the_session_of_the_last_release_too() -> None:
    response = Response()
    HERE.end(response)

    ended = [value for name, value in response.raw_headers if name == b"set-cookie"]
    assert [value.partition(b"=")[0] for value in ended] == [b"session-8080", b"session"]
    assert all(b"Max-Age=0" in value for value in ended)


def cookie_of(response: Response) -> tuple[str, str, set[str]]:
    pair, *attributes = response.headers["set-cookie"].split("; ")
    name, _, value = pair.partition("=")
    return name, value, {attribute.lower() for attribute in attributes if "expires" not in attribute}
