from pathlib import Path

import jwt

from common.base.identity import CurrentUser
from common.http.session_keys import PrivateKey, PublicKey
from common.http.session_tokens import AUDIENCE, ISSUER, TYPE, TokenSigner, verifier_of
from infra.dev.config import from_env
from infra.dev.environment import services
from infra.dev.keys import LATER, generated, kept

ADA = CurrentUser("ada", "hers")


def test_the_keys_of_a_folder_are_made_once_and_are_private(tmp_path: Path) -> None:
    keys = kept(tmp_path)

    assert kept(tmp_path) == keys
    assert [path.name for path in tmp_path.iterdir()] == ["keys.env"]
    assert (tmp_path / "keys.env").stat().st_mode & 0o777 == 0o600
    token = TokenSigner(PrivateKey.parse(keys["JWT_KEY"])).token(ADA)
    assert verifier_of(keys["JWT_PUBLIC_KEYS"]).user(token) == ADA


def test_a_folder_of_an_earlier_release_gets_the_keys_that_it_lacks(tmp_path: Path) -> None:
    before = kept(tmp_path)
    path = tmp_path / "keys.env"
    path.write_text("".join(f"{name}={value}\n" for name, value in before.items() if name not in LATER))

    after = kept(tmp_path)

    assert {name: after[name] for name in before if name not in LATER}.items() <= before.items()
    assert all(len(after[name]) >= 32 for name in LATER)
    assert kept(tmp_path) == after


def test_two_folders_share_no_key(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()

    one, other = map(kept, folders)
    assert not set(one.values()) & set(other.values())


def test_with_what_the_pages_have_no_session_can_be_forged() -> None:
    """An attacker who breaks into a process reads its environment."""
    own = generated()
    pages = services(from_env({}), own)["client"]
    key = PublicKey.parse(own["JWT_PUBLIC_KEYS"])
    environments = services(from_env({}), own).values()
    verifiers = [verifier_of(env["JWT_PUBLIC_KEYS"]) for env in environments if "JWT_PUBLIC_KEYS" in env]
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "sid": "hers", "email": "ada@x.test"}
    lifetime = {"iat": 1, "exp": 9_999_999_999}

    secrets = [value for value in pages.values() if len(value) >= 32]
    assert {own["JWT_PUBLIC_KEYS"], own["CLIENT_ADDRESS_KEY"]} <= set(secrets)
    for secret in secrets:
        for header in ({}, {"kid": key.id, "typ": TYPE}, {"typ": TYPE}):
            token = jwt.encode(claims | lifetime, secret, algorithm="HS256", headers=header)
            assert [verifier.user(token) for verifier in verifiers] == [None] * 5


def test_with_what_the_pages_have_no_receipt_can_be_forged() -> None:
    own = generated()

    assert not set(own["RECEIPT_KEYS"].split(",")) & set(services(from_env({}), own)["client"].values())
