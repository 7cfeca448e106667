from datetime import timedelta

import jwt
import pytest
from starlette.requests import Request

from common.base import times
from common.base.identity import CurrentUser
from common.http import client_address
from common.http.client_address import SignedClientAddress, of_connection
from common.testing.browser import CLIENT_ADDRESS_KEY, SESSIONS

OURS = SignedClientAddress(CLIENT_ADDRESS_KEY)
ADDRESS = "192.0.2.1"


def test_an_address_is_read_back() -> None:
    assert OURS.read(OURS.token(ADDRESS)) == ADDRESS


@pytest.mark.parametrize(
    "word", [None, "", "x", ADDRESS, "x" * 10_000, SignedClientAddress("k" * 32).token(ADDRESS)]
)
def test_the_word_of_anybody_else_is_no_word(word: str | None) -> None:
    assert OURS.read(word) is None


def test_a_session_is_no_word_and_a_word_is_no_session() -> None:
    assert OURS.read(SESSIONS.token(CurrentUser(ADDRESS))) is None
    assert SESSIONS.read(OURS.token(ADDRESS)) is None


def test_a_word_that_was_overheard_is_worth_nothing_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_address, "LIFETIME", timedelta(seconds=-1))

    assert OURS.read(OURS.token(ADDRESS)) is None


@pytest.mark.parametrize("missing", ["aud", "sub", "exp"])
def test_a_word_has_to_be_whole(missing: str) -> None:
    claims = {"aud": "client address", "sub": ADDRESS, "exp": times.now() + timedelta(minutes=1)}
    del claims[missing]

    assert OURS.read(jwt.encode(claims, CLIENT_ADDRESS_KEY, algorithm="HS256")) is None


def test_a_connection_without_an_address_has_none() -> None:
    assert of_connection(Request({"type": "http", "client": ("192.0.2.1", 1)})) == ADDRESS
    assert of_connection(Request({"type": "http"})) == ""
