"""`infra/keys.sh` on a file, as for compose and `make run`."""

import re
import stat
import subprocess
import time
from pathlib import Path

import pytest

from common.base.identity import CurrentUser
from common.http.session_keys import PrivateKey
from common.http.session_tokens import TokenSigner, verifier_of
from infra.deploy import redis_user
from infra.deploy.manifests.rendered import REPO

ADA = CurrentUser("ada", "hers")
DATABASES = ("AUTH", "TICKETS", "ORDERS", "PAYMENTS")
PASSWORDS = {
    *(f"MONGO_{name}_{what}" for name in DATABASES for what in ("KEY", "PASSWORD")),
    *("REDIS_PASSWORD", "REDIS_PASSWORD_HASH"),
}
ALL = {"JWT_KEY", "JWT_PUBLIC_KEYS", "RECEIPT_KEYS", "CLIENT_ADDRESS_KEY", "DEVICE_KEY", *PASSWORDS} | {
    "FILES_KEY",
    "BARCODE_KEY",
}


class Store:
    def __init__(self, path: Path) -> None:
        self.path = path

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [str(REPO / "infra/keys.sh"), str(self.path), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        for name, value in self.keys.items():
            assert name == "LOG_LEVEL" or value not in done.stdout + done.stderr
        return done

    def step(self, *arguments: str) -> None:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr

    @property
    def keys(self) -> dict[str, str]:
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        return {name: value for name, _, value in (line.partition("=") for line in lines)}

    def token(self) -> str:
        """Of a session that auth begins with these keys."""
        return TokenSigner(PrivateKey.parse(self.keys["JWT_KEY"])).token(ADA)

    def reads(self, token: str) -> bool:
        """Whether auth and another service with these keys agree that the token is good."""
        keys = self.keys
        auth = verifier_of(keys["JWT_PUBLIC_KEYS"], PrivateKey.parse(keys["JWT_KEY"]))
        other = verifier_of(keys["JWT_PUBLIC_KEYS"])
        assert auth.user(token) == other.user(token)
        return auth.user(token) == ADA


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / ".env")


def test_keys_are_made_once_for_their_owner_beside_what_is_there(store: Store) -> None:
    store.path.write_text("LOG_LEVEL=DEBUG\n")
    store.path.chmod(0o644)

    store.step("make")
    first = store.keys
    store.step("make")

    assert store.keys == first
    assert set(first) == {"LOG_LEVEL", *ALL}
    assert first["LOG_LEVEL"] == "DEBUG"
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert [path.name for path in store.path.parent.iterdir()] == [".env"]
    assert store.reads(store.token())


def test_each_database_gets_a_password_and_a_key_of_its_own(store: Store) -> None:
    store.step("make")
    made = {name: store.keys[name] for name in PASSWORDS}

    assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in made.values())
    assert len(set(made.values())) == len(made)
    assert made["REDIS_PASSWORD_HASH"] == redis_user.hash_of(made["REDIS_PASSWORD"])


def test_a_rotation_ends_no_session_before_the_last_step(store: Store) -> None:
    store.step("make")
    others = {name: store.keys[name] for name in ("RECEIPT_KEYS", "CLIENT_ADDRESS_KEY")}
    before = store.token()

    store.step("add")
    assert store.reads(before)
    assert store.reads(store.token())
    store.step("sign")
    after = store.token()
    assert store.reads(before)
    assert store.reads(after)
    store.step("retire", "--now")

    assert store.reads(after)
    assert not store.reads(before)
    assert {name: store.keys[name] for name in others} == others


def test_no_step_signs_with_a_key_that_the_step_before_did_not_tell_to_all(store: Store) -> None:
    """Processes start again one after another: those of two neighbouring steps run side by side."""
    store.step("make")
    earlier, later = Store(store.path.with_name("earlier")), store
    for step in (("add",), ("sign",), ("retire", "--now")):
        earlier.path.write_text(later.path.read_text())
        later.step(*step)
        assert earlier.reads(later.token())
        assert later.reads(earlier.token())


@pytest.mark.parametrize(
    ("steps", "refused", "reason"),
    [
        ((), "sign", "begin with add"),
        (("add",), "add", "go on with sign"),
        (("add",), "retire", "go on with sign"),
        (("add", "sign"), "retire", "168 hours more"),
        ((), "rotate", "Unknown"),
    ],
)
def test_a_step_out_of_turn_is_refused_and_changes_nothing(
    store: Store, steps: tuple[str, ...], refused: str, reason: str
) -> None:
    store.step("make")
    for step in steps:
        store.step(step)
    before = store.path.read_text()

    done = store.run(refused)

    assert done.returncode == 1
    assert reason in done.stderr
    assert store.path.read_text() == before


def test_a_key_is_retired_once_its_sessions_are_over(store: Store) -> None:
    for step in ("make", "add", "sign"):
        store.step(step)
    since = int(store.keys["JWT_SIGNING_SINCE"])
    assert abs(since - time.time()) < 60
    store.path.write_text(store.path.read_text().replace(str(since), str(since - 7 * 24 * 3600)))

    store.step("retire")

    assert set(store.keys) == ALL
