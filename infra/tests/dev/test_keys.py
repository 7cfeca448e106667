from pathlib import Path

from common.base.identity import CurrentUser
from common.http.session_keys import SigningKeys
from common.http.session_tokens import SharedKeySigner, signer_of, verifier_of
from infra.dev.keys import kept

ADA = CurrentUser("ada", "hers")


def test_the_keys_of_a_folder_are_made_once_and_are_private(tmp_path: Path) -> None:
    keys = kept(tmp_path)

    assert kept(tmp_path) == keys
    assert [path.name for path in tmp_path.iterdir()] == ["keys.env"]
    assert (tmp_path / "keys.env").stat().st_mode & 0o777 == 0o600
    token = signer_of(SigningKeys.parse(keys["JWT_KEY"])).token(ADA, "")
    assert verifier_of(keys["JWT_PUBLIC_KEYS"]).user(token) == ADA


def test_two_folders_share_no_key(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()

    one, other = map(kept, folders)
    assert not set(one.values()) & set(other.values())


def test_sessions_and_receipts_of_a_folder_from_before_stay_good(tmp_path: Path) -> None:
    shared = "the key that all services shared before"
    (tmp_path / "jwt.key").write_text(shared)

    keys = kept(tmp_path)

    token = SharedKeySigner(shared).token(ADA, "ada@example.test")
    mine = SigningKeys.parse(keys["JWT_KEY"])
    assert mine.private is not None
    assert verifier_of("", mine.shared, mine.private).user(token) == ADA
    assert verifier_of(keys["JWT_PUBLIC_KEYS"], keys["JWT_SHARED_KEY"]).user(token) == ADA
    assert keys["RECEIPT_KEYS"].endswith(f",{shared}")
