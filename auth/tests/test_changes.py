"""Stored changes of an account, and the query of a user's generation."""

from datetime import UTC, datetime
from typing import Any

import pytest

from auth.changes import KINDS, Change, ChangeKind
from auth.domain import Email, User
from auth.email_hashes import EmailHashes
from auth.generations import generation_of
from common.testing.clock import Clock

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
STORED: dict[str, Any] = {
    "id": "c1",
    "kind": "passkey-added",
    "to": "ada@example.test",
    "at": AT,
    "but": "session",
    "name": "Phone",
    "language": "",
}


def test_a_change_is_read_back_as_it_was_stored() -> None:
    change = Change.restored(STORED | {"of_a_newer_release": 1})

    assert change == Change(
        id="c1", kind=ChangeKind.PASSKEY_ADDED, to="ada@example.test", at=AT, but="session", name="Phone"
    )
    assert change.stored == STORED


def test_a_change_of_an_earlier_release_has_no_session_and_no_name() -> None:
    old = {name: STORED[name] for name in ("id", "kind", "to", "at")}

    assert (Change.restored(old).but, Change.restored(old).name) == (None, "")


def test_a_change_begins_now_under_an_id_of_its_own(clock: Clock) -> None:
    first, second = (Change.now(ChangeKind.PASSWORD, "ada@example.test") for _ in range(2))
    named = Change.now(ChangeKind.PASSKEY_REMOVED, "ada@example.test", but="session", name="Phone")

    assert first == Change(id=first.id, kind=ChangeKind.PASSWORD, to="ada@example.test", at=clock.now)
    assert (first.but, first.name) == (None, "")
    assert (named.kind, named.but, named.name) == (ChangeKind.PASSKEY_REMOVED, "session", "Phone")
    assert len({first.id, second.id, named.id, None, ""}) == 5


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_that_is_stored_is_read(kind: str) -> None:
    assert Change.restored(STORED | {"kind": kind}).stored["kind"] == kind


@pytest.mark.parametrize(("generation", "query"), [(0, {"$in": [None, 0]}), (1, 1), (7, 7)])
def test_the_first_generation_matches_users_that_have_none_stored(generation: int, query: object) -> None:
    user = User(id="u", email=Email.parse("ada@example.test"), password_hash="", generation=generation)

    assert generation_of(user) == query


def test_the_hash_of_an_address_is_short_and_the_same_for_each_way_to_write_it() -> None:
    hashes = EmailHashes.derived_from("secret")

    assert hashes.of(Email.parse("Ada@example.test")) == hashes.of(Email.parse("ada@EXAMPLE.test"))
    assert len(hashes.of(Email.parse("ada@example.test"))) == 32
    assert hashes.of(Email.parse("ada@example.test")) != hashes.of(Email.parse("bob@example.test"))
    # Lines of the security log stay comparable over releases.
    assert hashes.key.hex() == "5a0fa0d11eb687e881381f5ad181d6c6e81a5e7dd399f37f61853e8547247c2f"


def test_another_secret_gives_other_hashes() -> None:
    email = Email.parse("ada@example.test")

    assert EmailHashes.derived_from("secret").of(email) != EmailHashes.derived_from("other").of(email)
