"""Official images are named by digest, once a registry can be asked."""

import re
from pathlib import Path

import pytest

from infra.deploy.pins import asked, files, pinned

FIRST, SECOND = "sha256:" + "a" * 64, "sha256:" + "b" * 64

OFFICIAL = re.compile(r"(?<![\w/-])(mongo|nats|nginx|redis|python|debian):[\w.-]+|newTag: [\w.-]+")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("ARG BASE=python:3.11-slim\n", f"ARG BASE=python:3.11-slim@{FIRST}\n"),
        ("  image: redis:8\n", f"  image: redis:8@{FIRST}\n"),
        ("    container: debian:12\n", f"    container: debian:12@{FIRST}\n"),
        ("- {name: mongo, newTag: 8.0.29}\n", f"- {{name: mongo, newTag: 8.0.29, digest: {FIRST}}}\n"),
    ],
)
def test_a_tag_gets_the_digest_that_it_has_now_and_later_its_new_one(before: str, after: str) -> None:
    assert pinned(before, lambda _: FIRST) == after
    assert pinned(after, lambda _: SECOND) == after.replace(FIRST, SECOND)


@pytest.mark.parametrize(
    "text", ["  image: gittix/auth:compose\n", "  image: process\n", "ARG KIND=production\n"]
)
def test_our_own_images_and_placeholders_stay(text: str) -> None:
    assert pinned(text, lambda _: FIRST) == text


def test_every_official_image_of_the_repo_is_pinned() -> None:
    """Comments apart, no file names a tag that the command leaves without a digest."""
    for path in files():
        lines = [line for line in path.read_text().splitlines(True) if not line.lstrip().startswith("#")]
        text = pinned("".join(lines), lambda _: FIRST)
        for line in filter(OFFICIAL.search, text.splitlines()):
            assert FIRST in line, f"{path.name}: {line}"


def test_each_image_is_asked_for_by_its_tag() -> None:
    images: set[str] = set()

    def noted(image: str) -> str:
        images.add(image)
        return FIRST

    for path in files():
        pinned(path.read_text(), noted)

    assert {image.partition(":")[0] for image in images} == {
        *("debian", "mongo", "nats", "nginx", "python", "redis")
    }


def test_without_docker_nothing_is_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match="Nothing is changed: docker"):
        asked("redis:8")


def test_a_registry_out_of_reach_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho 'no such host' >&2\nexit 1\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(SystemExit, match="no digest of redis:8: no such host"):
        asked("redis:8")
