"""The release comes out of git, tomorrow out of a patch; what is missing is named in one line."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from infra.verify.rollout import versions
from infra.verify.rollout.versions import NoHistory

LOADS = """
from common.contract.events import TicketState, TicketViewed
from common.contract.stream import MARKETPLACE
from orders.listeners import TicketViewedListener
from tickets.app import create_app
from tickets.repository import TicketRepository
from tickets.schemas import TicketInput
assert TicketViewed in TicketViewedListener.events
assert "visit.>" in MARKETPLACE.subjects
assert {"gate"} <= set(TicketState.model_fields) & set(TicketInput.model_fields)
assert "most_viewed" in {index.name for index in TicketRepository.indexes}
"""


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@gittix.test")
    command = ["git", *identity, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path, text: str) -> str:
    (folder / "tickets.py").write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", text)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository of one commit."""
    folder = tmp_path / "clone"
    folder.mkdir()
    git(folder, "init", "--quiet")
    commit(folder, "released")
    return folder


@pytest.fixture
def installs(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Trees whose packages were installed, without an installation."""
    trees: list[Path] = []
    monkeypatch.setattr(versions, "_install", lambda tree, _python: trees.append(tree))
    return trees


def named(monkeypatch: pytest.MonkeyPatch, release: str) -> None:
    monkeypatch.setattr(versions, "release_name", lambda: release)


def test_the_release_is_one_full_hash_or_a_tag() -> None:
    assert re.fullmatch(r"[0-9a-f]{40}|v\d+(\.\d+)*", versions.release_name())


def test_the_release_is_extracted_and_installed_once(
    clone: Path, tmp_path: Path, installs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    named(monkeypatch, git(clone, "rev-parse", "HEAD"))
    commit(clone, "today")

    first = versions.release(clone, tmp_path / "cache")
    again = versions.release(clone, tmp_path / "cache")

    assert (first.tree / "tickets.py").read_text() == "released"
    assert first == again
    assert installs == [first.tree]
    assert first.python != sys.executable


def test_an_interrupted_extraction_is_made_again(
    clone: Path, tmp_path: Path, installs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    release = git(clone, "rev-parse", "HEAD")
    named(monkeypatch, release)
    (tmp_path / "cache" / f"{release}.new" / "half").mkdir(parents=True)

    tree = versions.release(clone, tmp_path / "cache").tree

    assert [path.name for path in tree.iterdir() if not path.name.startswith(".")] == ["tickets.py"]
    assert installs == [tree]


def test_a_clone_without_the_release_fails_and_names_the_way_out(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named(monkeypatch, "f" * 40)
    commit(clone, "today")
    with pytest.raises(SystemExit, match="git fetch origin ffff"):
        versions.release(clone, tmp_path / "cache")


def test_a_clone_of_one_commit_has_no_history(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named(monkeypatch, "f" * 40)
    with pytest.raises(NoHistory, match="one commit"):
        versions.release(clone, tmp_path / "cache")


def test_a_tree_without_git_has_no_history(tmp_path: Path) -> None:
    with pytest.raises(NoHistory, match="no git checkout"):
        versions.release(tmp_path, tmp_path / "cache")


def test_tomorrow_is_today_with_a_kind_a_listener_a_field_and_an_index(tmp_path: Path) -> None:
    tomorrow = versions.tomorrow(tmp_path / "tomorrow")

    done = subprocess.run(
        [tomorrow.python, "-c", LOADS],
        env=dict(tomorrow.environment()),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_a_patch_that_no_longer_applies_is_named_with_the_way_to_renew_it(tmp_path: Path) -> None:
    patch = tmp_path / "stale.patch"
    patch.write_text(
        "--- a/tickets/src/tickets/domain.py\n+++ b/tickets/src/tickets/domain.py\n"
        "@@ -1 +1 @@\n-no such line\n+another\n"
    )
    with pytest.raises(SystemExit, match=r"stale.patch no longer applies .*domain.py.*0021"):
        versions.tomorrow(tmp_path / "tomorrow", patch)
