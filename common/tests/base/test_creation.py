"""Digests of a request that creates one record: the same for the same request alone."""

import pytest

from common.base.creation import Creation

BODY = {"title": "Opera", "price": 20}
FIRST = Creation.of("/api/tickets", "ada", "key", BODY)


def test_a_request_that_is_sent_again_is_the_same() -> None:
    assert Creation.of("/api/tickets", "ada", "key", dict(reversed(BODY.items()))) == FIRST
    assert FIRST.path == "/api/tickets"
    assert {len(FIRST.key), len(FIRST.fingerprint)} == {32}


@pytest.mark.parametrize(
    "other",
    [("/api/orders", "ada", "key"), ("/api/tickets", "bob", "key"), ("/api/tickets", "ada", "another")],
)
def test_another_route_user_or_key_has_a_key_of_its_own(other: tuple[str, str, str]) -> None:
    creation = Creation.of(*other, BODY)

    assert creation.key != FIRST.key
    assert creation.fingerprint == FIRST.fingerprint


def test_another_body_has_another_fingerprint_under_the_same_key() -> None:
    creation = Creation.of("/api/tickets", "ada", "key", {**BODY, "price": 21})

    assert creation.key == FIRST.key
    assert creation.fingerprint != FIRST.fingerprint
