"""What a run leaves on disk is for its user only."""

import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.dev import edge, servers
from infra.dev.config import from_env, private_data
from infra.dev.spawn import spawn


@pytest.fixture(autouse=True)
def open_to_all() -> Iterator[None]:
    """The loosest umask."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("found", [None, 0o755])
def test_the_data_folder_and_the_folders_in_it_are_private(tmp_path: Path, found: int | None) -> None:
    folder = tmp_path / "parent" / "data"
    if found is not None:
        folder.mkdir(parents=True, mode=found)

    private_data(folder)
    config = from_env({"DATA_DIR": str(folder)})
    edge.prepare(config)
    for name in config.own_servers:
        servers.prepare(name, config)

    inside = [path for path in folder.iterdir() if path.is_dir()]
    assert len(inside) == 1 + len(config.own_servers)
    assert {mode(path) for path in (folder, *inside)} == {0o700}


def test_a_folder_that_others_use_stays_theirs(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    assert mode(private_data(tmp_path)) == 0o1777


async def test_files_of_a_process_are_private(tmp_path: Path) -> None:
    made = tmp_path / "made"
    process = await spawn(["touch", str(made)], {"PATH": os.defpath}, signal.SIGTERM)
    await process.communicate()
    assert mode(made) == 0o600
