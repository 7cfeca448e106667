"""The headers `Idempotency-Key`, `If-Match` and `ETag`, as a handler reads and writes them."""

from datetime import date
from decimal import Decimal

import pytest
from fastapi import Request
from pydantic import BaseModel

from common.base.errors import BadRequest
from common.http.body import Input
from common.http.idempotency import creation_of, key_of
from common.http.preconditions import etag, expected_versions


class Offer(Input):
    title: str
    seat: str | None = None


class OldOffer(Input):
    """The offer of the last release, which had no seat yet."""

    title: str


class Visit(Input):
    """Of types that JSON does not have."""

    day: date
    price: Decimal


def a_request(*headers: tuple[str, str], path: str = "/api/tickets") -> Request:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    scope = {"type": "http", "headers": raw, "path": path, "server": ("test", 80), "query_string": b""}
    return Request(scope)


def with_key(key: str, path: str = "/api/tickets") -> Request:
    return a_request(("idempotency-key", key), path=path)


@pytest.mark.parametrize("key", ["a", "8e03978e-40d5-43e8-bc93-6894a57f9324", "~!" * 32, '""', '"'])
def test_a_key_is_1_to_64_visible_ascii_characters(key: str) -> None:
    assert key_of(with_key(key)) == key


def test_a_key_in_quotes_is_the_same_key() -> None:
    assert key_of(with_key('"abc"')) == key_of(with_key("abc")) == "abc"
    assert key_of(with_key('"a"')) == "a"
    assert key_of(with_key('"' + "x" * 64 + '"')) == "x" * 64


def test_a_request_may_have_no_key() -> None:
    assert key_of(a_request()) is None
    assert creation_of(a_request(), "user", Offer(title="Opera")) is None


@pytest.mark.parametrize("key", ["", "x" * 65, "a b", "é", "a\tb", "a\x7f", '"a b"'], ids=repr)
def test_any_other_key_is_refused(key: str) -> None:
    with pytest.raises(BadRequest) as refused:
        key_of(with_key(key))
    assert refused.value.code == "idempotency-key-invalid"
    assert "Idempotency-Key" in str(refused.value)


def test_two_keys_are_refused() -> None:
    with pytest.raises(BadRequest):
        key_of(a_request(("idempotency-key", "a"), ("idempotency-key", "a")))


def test_a_creation_is_told_apart_by_route_user_and_key() -> None:
    def key(user: str = "user", key: str = "key", path: str = "/api/tickets") -> str:
        creation = creation_of(with_key(key, path), user, Offer(title="Opera"))
        assert creation is not None
        return creation.key

    assert key() == key()
    assert len({key(), key(user="another"), key(key="another"), key(path="/api/orders")}) == 4
    assert key("a", "bc") != key("ab", "c")


def fingerprint(body: BaseModel | str) -> str:
    creation = creation_of(with_key("key"), "user", body)
    assert creation is not None
    return creation.fingerprint


def test_a_body_is_another_by_its_content_and_not_by_what_it_leaves_out() -> None:
    assert fingerprint(Offer(title="Opera")) == fingerprint(Offer(title="Opera", seat=None))
    assert fingerprint(Offer(title="Opera")) != fingerprint(Offer(title="Opera", seat="A 1"))


def test_a_body_without_a_field_that_a_later_release_added_is_the_same_to_both() -> None:
    assert fingerprint(OldOffer(title="Opera")) == fingerprint(Offer(title="Opera"))


def test_a_body_may_hold_what_json_writes_as_text() -> None:
    def visit(price: str) -> Visit:
        return Visit(day=date(2026, 1, 2), price=Decimal(price))

    assert fingerprint(visit("20.50")) == fingerprint(visit("20.50")) != fingerprint(visit("20.51"))


def test_a_text_stands_for_a_body_that_holds_a_secret() -> None:
    ada, bob = "ada@example.test", "bob@example.test"
    assert fingerprint(ada) == fingerprint(ada) != fingerprint(bob)


@pytest.mark.parametrize(
    ("header", "versions"),
    [
        (etag(7), {7}),
        ('"1", "2" ,"3"', {1, 2, 3}),
        ('W/"7"', set()),
        ('W/"7", "8"', {8}),
        ('"of-another-system"', set()),
        ('"99999999999999999999"', set()),
        ('""', set()),
    ],
)
def test_if_match_names_versions(header: str, versions: set[int]) -> None:
    assert expected_versions(a_request(("if-match", header))) == versions


@pytest.mark.parametrize("headers", [(), (("if-match", "*"),)])
def test_without_if_match_or_with_a_star_any_version_will_do(headers: tuple[tuple[str, str], ...]) -> None:
    assert expected_versions(a_request(*headers)) is None


def test_several_headers_are_one_list() -> None:
    assert expected_versions(a_request(("if-match", '"1"'), ("if-match", '"2"'))) == {1, 2}


@pytest.mark.parametrize("header", ["", "7", '"7', '"7" "8"', "W/7", '"a"b"', '*, "7"'], ids=repr)
def test_a_malformed_if_match_is_refused(header: str) -> None:
    with pytest.raises(BadRequest) as refused:
        expected_versions(a_request(("if-match", header)))
    assert refused.value.code == "if-match-invalid"
    assert "If-Match" in str(refused.value)
